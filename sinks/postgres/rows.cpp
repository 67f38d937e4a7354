#include "sinks/postgres/rows.hpp"

#include <algorithm>
#include <set>

#include "sinks/json_text.hpp"

namespace glia::postgres {

const Table kEngagements{"engagements",
                         {"id",
                          "engagement_type",
                          "created_at",
                          "duration",
                          "visitor_name",
                          "visitor_browser",
                          "visitor_device_type",
                          "visitor_id",
                          "cobrowsing_used",
                          "video_used",
                          "audio_used",
                          "flagged",
                          "queue_wait_time",
                          "crm_forwarded",
                          "summary_forwarded",
                          "platform",
                          "source",
                          "visitor_href",
                          "chat_transcript_href",
                          "extra",
                          "fetched_at",
                          "legs_fetched_at",
                          "core_hash",
                          "list_hash",
                          "legs_hash"},
                         19};
const Table kSites{"engagement_sites", {"engagement_id", "site_id"}};
const Table kOperators{"engagement_operators", {"engagement_id", "position", "operator_id", "href"}};
const Table kQueueRefs{"engagement_queues", {"engagement_id", "position", "queue_id"}};
const Table kRecordings{"audio_recordings", {"engagement_id", "position", "url"}};
const Table kLegs{"legs",
                  {"engagement_id", "id", "position", "operator_id", "site_id", "requested_at", "accepted_at",
                   "request_type", "request_source", "offered_media_type", "accepted_media_type", "duration",
                   "highest_visitor_media_type", "highest_operator_media_type", "used_cobrowsing", "ended_at",
                   "end_reason", "extra"},
                  17};
const Table kLegQueues{"leg_queues", {"engagement_id", "leg_id", "position", "queue_id"}};
const Table kQueues{"queues", {"id", "name", "name_as_of", "name_fetched_at"}};

namespace {

Cell cell(const OptionalInstant& time) {
    return time ? Cell{to_text(*time)} : std::nullopt;
}
Cell cell(const OptionalSeconds& seconds) {
    return seconds ? Cell{std::to_string(*seconds)} : std::nullopt;
}
Cell cell(const OptionalFlag& flag) {
    return flag ? Cell{*flag ? "t" : "f"} : std::nullopt;
}
Cell cell(const std::optional<ContentHash>& hash) {
    return hash ? Cell{to_bytea(*hash)} : std::nullopt;
}
Cell cell(std::size_t position) {
    return std::to_string(position);
}

/// Each cell is made in its place: a list in braces would copy them all once more.
template <typename... Cells>
void add_row(Rows& rows, Cells&&... cells) {
    std::vector<Cell>& row = rows.cells.emplace_back();
    row.reserve(sizeof...(cells));
    (row.emplace_back(std::forward<Cells>(cells)), ...);
}

}  // namespace

std::string Rows::to_json() const {
    std::string json = "[";
    for (const auto& row : cells) {
        json += json.size() > 1 ? ",{" : "{";
        bool first = true;
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (!row[i]) continue;  // json_populate_recordset leaves what is missing NULL
            if (!first) json.push_back(',');
            first = false;
            append_json_string(json, table->columns[i]);
            json.push_back(':');
            if (static_cast<int>(i) == table->json_column) {
                json += *row[i];
            } else {
                append_json_string(json, *row[i]);
            }
        }
        json.push_back('}');
    }
    return json + "]";
}

void add_engagement(Rows& rows, const Engagement& e, const RowMarks& marks) {
    add_row(rows, e.id, e.engagement_type, to_text(e.created_at), cell(e.duration), e.visitor_name,
            e.visitor_browser, e.visitor_device_type, e.visitor_id, cell(e.cobrowsing_used),
            cell(e.video_used), cell(e.audio_used), cell(e.flagged), cell(e.queue_wait_time),
            cell(e.crm_forwarded), cell(e.summary_forwarded), e.platform, e.source, e.visitor_href,
            e.chat_transcript_href, e.extra, to_text(marks.fetched_at), cell(marks.legs_fetched_at),
            to_bytea(marks.core_hash), cell(marks.list_hash), cell(marks.legs_hash));
}

void add_operators(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.operators.size(); ++i) {
        add_row(rows, e.id, cell(i), e.operators[i].operator_id, e.operators[i].href);
    }
}

void add_queue_refs(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.queues.size(); ++i) add_row(rows, e.id, cell(i), e.queues[i].id);
}

void add_recordings(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.audio_recording_urls.size(); ++i) {
        add_row(rows, e.id, cell(i), e.audio_recording_urls[i]);
    }
}

void add_legs(Rows& legs, Rows& leg_queues, const Engagement& e) {
    if (!e.legs) return;
    for (std::size_t i = 0; i < e.legs->size(); ++i) {
        const Leg& leg = (*e.legs)[i];
        const bool repeated = std::any_of(e.legs->begin() + static_cast<std::ptrdiff_t>(i) + 1, e.legs->end(),
                                          [&](const Leg& later) { return later.id == leg.id; });
        if (repeated) continue;
        add_row(legs, e.id, leg.id, cell(i), leg.operator_id, leg.site_id, cell(leg.requested_at),
                cell(leg.accepted_at), leg.request_type, leg.request_source, leg.offered_media_type,
                leg.accepted_media_type, cell(leg.duration), leg.highest_visitor_media_type,
                leg.highest_operator_media_type, cell(leg.used_cobrowsing), cell(leg.ended_at),
                leg.end_reason, leg.extra);
        for (std::size_t k = 0; k < leg.request_queues.size(); ++k) {
            add_row(leg_queues, e.id, leg.id, cell(k), leg.request_queues[k].id);
        }
    }
}

void QueueNames::add(const FetchedEngagement& fetched) {
    const Instant as_of = fetched.engagement.created_at;
    for (const QueueRef& queue : fetched.engagement.queues) add(queue, as_of, fetched.fetched_at);
    if (!fetched.engagement.legs) return;
    for (const Leg& leg : *fetched.engagement.legs) {
        for (const QueueRef& queue : leg.request_queues) add(queue, as_of, fetched.fetched_at);
    }
}

void QueueNames::add(const QueueRef& queue, Instant as_of, Instant fetched_at) {
    if (!queue.id) return;
    const auto place = std::lower_bound(names_.begin(), names_.end(), *queue.id,
                                        [](const Name& name, const std::string& id) { return name.id < id; });
    if (place == names_.end() || place->id != *queue.id) {
        names_.insert(place, {*queue.id, queue.name, as_of, fetched_at});
        return;
    }
    // A queue sent without its name says nothing about the name.
    const bool newer = std::pair(as_of, fetched_at) >= std::pair(place->as_of, place->fetched_at);
    if (queue.name && (newer || !place->name)) *place = {*queue.id, queue.name, as_of, fetched_at};
}

Rows QueueNames::rows() const {
    Rows rows{&kQueues, {}};
    for (const Name& name : names_) {
        add_row(rows, name.id, name.name, to_text(name.as_of), to_text(name.fetched_at));
    }
    return rows;
}

}  // namespace glia::postgres
