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
                          "legs_hash",
                          "first_site_id"}};
const Table kSites{"engagement_sites", {"engagement_id", "site_id"}};
const Table kOperators{"engagement_operators", {"engagement_id", "position", "operator_id", "href"}};
const Table kQueueRefs{"engagement_queues", {"engagement_id", "position", "queue_id"}};
const Table kRecordings{"audio_recordings", {"engagement_id", "position", "url"}};
const Table kLegs{"legs",
                  {"engagement_id", "id", "position", "operator_id", "site_id", "requested_at", "accepted_at",
                   "request_type", "request_source", "offered_media_type", "accepted_media_type", "duration",
                   "highest_visitor_media_type", "highest_operator_media_type", "used_cobrowsing", "ended_at",
                   "end_reason", "extra"}};
const Table kLegQueues{"leg_queues", {"engagement_id", "leg_id", "position", "queue_id"}};
const Table kDetailQueue{"detail_queue", {"engagement_id", "created_at", "wanted_after"}};
const Table kChatMessages{"chat_messages",
                          {"engagement_id", "position", "id", "created_at", "type", "message", "sender_type",
                           "sender_name", "sender_href", "attachment", "metadata", "extra"}};
const Table kWindows{"backfill_windows",
                     {"backfill_id", "site_id", "window_from", "lease_epoch", "pass_started_at",
                      "pass_next_page", "pages", "engagements", "rejected", "requests", "done"}};
const Table kQueues{"queues", {"id", "name", "name_as_of", "name_fetched_at"}};

namespace {

// Times travel in COPY's binary format as microseconds since 2000-01-01.
constexpr std::chrono::microseconds kPostgresEpoch{946'684'800'000'000};
// jsonb's binary form begins with the version of the form.
constexpr char kJsonbVersion = 1;
constexpr std::int32_t kNull = -1;
// Rows of one COPY: where what the statement costs and what its buffer costs weigh the same.
constexpr std::size_t kSlice = 256;

}  // namespace

Rows::Rows(const Table& table, Encoding encoding) : table_(table), copy_(encoding == Encoding::copy) {
    if (!copy_) data_ = "[";
}

template <typename Integer>
void Rows::binary(Integer value) {
    char bytes[sizeof value];
    for (std::size_t i = 0; i < sizeof value; ++i) {
        bytes[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * (sizeof value - 1 - i))));
    }
    data_.append(bytes, sizeof value);
}

void Rows::begin_slice() {
    // The signature, no flags, no further head.
    static constexpr std::string_view kHead{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
    data_ = kHead;
}

void Rows::end_slice() {
    binary(std::int16_t{-1});
    slices_.push_back(std::move(data_));
}

void Rows::begin_row() {
    if (copy_ && rows_ % kSlice == 0) {
        if (rows_ > 0) end_slice();
        begin_slice();
    }
    ++rows_;
    column_ = 0;
    if (copy_) {
        binary(static_cast<std::int16_t>(table_.columns.size()));
        return;
    }
    data_ += rows_ == 1 ? "{" : "},{";
    first_member_ = true;
}

std::string Rows::finished() && {
    data_ += rows_ == 0 ? "]" : "}]";
    return std::move(data_);
}

std::vector<std::string> Rows::slices() && {
    if (rows_ > 0) end_slice();
    return std::move(slices_);
}

void Rows::null() {
    // json_populate_recordset leaves what is missing NULL.
    ++column_;
    if (copy_) binary(kNull);
}

void Rows::name_member() {
    if (!first_member_) data_.push_back(',');
    first_member_ = false;
    append_json_string(data_, table_.columns[column_++]);
    data_.push_back(':');
}

void Rows::text(std::string_view value) {
    if (copy_) {
        ++column_;
        binary(static_cast<std::int32_t>(value.size()));
        data_ += value;
        return;
    }
    name_member();
    append_json_string(data_, value);
}

void Rows::json(std::string_view value) {
    if (copy_) {
        ++column_;
        binary(static_cast<std::int32_t>(value.size() + 1));
        data_.push_back(kJsonbVersion);
    } else {
        name_member();
    }
    data_ += value;
}

void Rows::time(const OptionalInstant& value) {
    if (!value) return null();
    if (!copy_) return text(to_text(*value));
    ++column_;
    binary(std::int32_t{8});
    binary(std::int64_t{(value->time_since_epoch() - kPostgresEpoch).count()});
}

void Rows::number(const OptionalSeconds& value) {
    if (!value) return null();
    if (copy_) {
        ++column_;
        binary(std::int32_t{8});
        binary(*value);
        return;
    }
    name_member();
    data_ += std::to_string(*value);
}

void Rows::position(std::size_t value) {
    if (!copy_) return number(static_cast<std::int64_t>(value));
    ++column_;
    binary(std::int32_t{4});
    binary(static_cast<std::int32_t>(value));
}

void Rows::flag(const OptionalFlag& value) {
    if (!value) return null();
    if (copy_) {
        ++column_;
        binary(std::int32_t{1});
        data_.push_back(*value ? 1 : 0);
        return;
    }
    name_member();
    data_ += *value ? "true" : "false";
}

void Rows::hash(const std::optional<ContentHash>& value) {
    if (!value) return null();
    if (!copy_) return text(to_bytea(*value));
    text(std::string_view(reinterpret_cast<const char*>(value->data()), value->size()));
}

void add_engagement(Rows& rows, const Engagement& e, const RowMarks& marks) {
    rows.begin_row();
    rows.text(e.id);
    rows.text(e.engagement_type);
    rows.time(e.created_at);
    rows.number(e.duration);
    rows.text(e.visitor_name);
    rows.text(e.visitor_browser);
    rows.text(e.visitor_device_type);
    rows.text(e.visitor_id);
    rows.flag(e.cobrowsing_used);
    rows.flag(e.video_used);
    rows.flag(e.audio_used);
    rows.flag(e.flagged);
    rows.number(e.queue_wait_time);
    rows.flag(e.crm_forwarded);
    rows.flag(e.summary_forwarded);
    rows.text(e.platform);
    rows.text(e.source);
    rows.text(e.visitor_href);
    rows.text(e.chat_transcript_href);
    rows.json(e.extra);
    rows.time(marks.fetched_at);
    rows.time(marks.legs_fetched_at);
    rows.hash(marks.core_hash);
    rows.hash(marks.list_hash);
    rows.hash(marks.legs_hash);
    rows.text(marks.first_site_id.empty() ? RecordText() : RecordText::borrowed(marks.first_site_id));
}

void add_site(Rows& rows, const Engagement& e, const std::string& site_id) {
    rows.begin_row();
    rows.text(e.id);
    rows.text(site_id);
}

void add_detail_wish(Rows& rows, const Engagement& e, Instant wanted_after) {
    rows.begin_row();
    rows.text(e.id);
    rows.time(e.created_at);
    rows.time(wanted_after);
}

void add_operators(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.operators.size(); ++i) {
        rows.begin_row();
        rows.text(e.id);
        rows.position(i);
        rows.text(e.operators[i].operator_id);
        rows.text(e.operators[i].href);
    }
}

void add_queue_refs(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.queues.size(); ++i) {
        rows.begin_row();
        rows.text(e.id);
        rows.position(i);
        rows.text(e.queues[i].id);
    }
}

void add_recordings(Rows& rows, const Engagement& e) {
    for (std::size_t i = 0; i < e.audio_recording_urls.size(); ++i) {
        rows.begin_row();
        rows.text(e.id);
        rows.position(i);
        rows.text(e.audio_recording_urls[i]);
    }
}

void add_messages(Rows& rows, const std::string& engagement_id, const std::vector<ChatMessage>& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const ChatMessage& m = messages[i];
        rows.begin_row();
        rows.text(engagement_id);
        rows.position(i);
        rows.text(m.id);
        rows.time(m.created_at);
        rows.text(m.type);
        rows.text(m.message);
        rows.text(m.sender_type);
        rows.text(m.sender_name);
        rows.text(m.sender_href);
        rows.json(m.attachment);
        rows.json(m.metadata);
        rows.json(m.extra);
    }
}

void add_legs(Rows& legs, Rows& leg_queues, const Engagement& e) {
    if (!e.legs) return;
    for (std::size_t i = 0; i < e.legs->size(); ++i) {
        const Leg& leg = (*e.legs)[i];
        const bool repeated = std::any_of(e.legs->begin() + i + 1, e.legs->end(),
                                          [&](const Leg& later) { return later.id == leg.id; });
        if (repeated) continue;
        legs.begin_row();
        legs.text(e.id);
        legs.text(leg.id);
        legs.position(i);
        legs.text(leg.operator_id);
        legs.text(leg.site_id);
        legs.time(leg.requested_at);
        legs.time(leg.accepted_at);
        legs.text(leg.request_type);
        legs.text(leg.request_source);
        legs.text(leg.offered_media_type);
        legs.text(leg.accepted_media_type);
        legs.number(leg.duration);
        legs.text(leg.highest_visitor_media_type);
        legs.text(leg.highest_operator_media_type);
        legs.flag(leg.used_cobrowsing);
        legs.time(leg.ended_at);
        legs.text(leg.end_reason);
        legs.json(leg.extra);
        for (std::size_t k = 0; k < leg.request_queues.size(); ++k) {
            leg_queues.begin_row();
            leg_queues.text(e.id);
            leg_queues.text(leg.id);
            leg_queues.position(k);
            leg_queues.text(leg.request_queues[k].id);
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
                                        [](const Name& name, std::string_view id) { return *name.id < id; });
    if (place == names_.end() || *place->id != *queue.id) {
        names_.insert(place, {*queue.id, queue.name, as_of, fetched_at});
        return;
    }
    // A queue sent without its name says nothing about the name.
    const bool newer = std::pair(as_of, fetched_at) >= std::pair(place->as_of, place->fetched_at);
    if (queue.name && (newer || !place->name)) *place = {*queue.id, queue.name, as_of, fetched_at};
}

Rows QueueNames::rows() const {
    Rows rows(kQueues, Rows::Encoding::json);
    for (const Name& name : names_) {
        rows.begin_row();
        rows.text(name.id);
        rows.text(name.name);
        rows.time(name.as_of);
        rows.time(name.fetched_at);
    }
    return rows;
}

}  // namespace glia::postgres
