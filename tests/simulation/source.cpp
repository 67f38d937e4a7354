#include "tests/simulation/source.hpp"

#include <algorithm>

namespace simulation {
namespace {

using glia::ApiError;

glia::Leg leg(const Item& item, Instant at) {
    glia::Leg leg;
    leg.id = "l" + std::to_string(item.legs.size());
    leg.requested_at = at;
    leg.accepted_at = at;
    return leg;
}

glia::RecordList<glia::QueueRef> queues(std::int64_t version) {
    if (version % 2 == 0) return {};
    glia::QueueRef queue;
    queue.id = "q" + std::to_string(version);
    return {queue};
}

glia::RecordList<glia::OperatorRef> operators(std::int64_t version) {
    std::vector<glia::OperatorRef> operators(static_cast<std::size_t>(version % 3));
    for (std::size_t i = 0; i < operators.size(); ++i)
        operators[i].operator_id = "o" + std::to_string(version) + "." + std::to_string(i);
    return operators;
}

}  // namespace

Item& Source::add(Instant requested, Instant now, std::vector<std::string> sites, Time delay, bool ongoing) {
    Item item;
    item.number = static_cast<int>(items_.size());
    item.id = "e" + std::to_string(item.number);
    item.requested_at = requested;
    item.started_at = std::min(now, requested + delay / 2);
    item.sites = std::move(sites);
    item.ongoing = ongoing;
    item.legs.push_back(leg(item, item.started_at));
    if (!ongoing) item.legs.back().ended_at = now;
    item.message_count = ongoing ? 0 : 1 + item.number % 3;
    item.recording_made_at = now + std::chrono::seconds{item.number % 5 * 20};
    switch (settings_.listed) {
        case SourceSettings::Listed::requested:
        case SourceSettings::Listed::started:
            item.visible_at = now + delay;
            break;
        case SourceSettings::Listed::ended:
            if (!ongoing) item.visible_at = now + delay;
            break;
    }
    items_.push_back(std::move(item));
    return items_.back();
}

void Source::end(Item& item, Instant now, bool shows_in_list) {
    if (!item.ongoing) return;
    ++item.message_count;
    item.ongoing = false;
    item.legs.back().ended_at = now;
    item.legs.back().end_reason = "visitor_left";
    if (shows_in_list) item.version = ++item.versions;
    if (!item.visible_at) item.visible_at = now;
}

/// Adds a message if the chat still changes. change_back() does not remove it, because nothing would detect
/// that.
void Source::add_message(Item& item) const {
    if (item.ongoing || settings_.transcripts_change) ++item.message_count;
}

void Source::change(Item& item) {
    add_message(item);
    if (!item.ongoing) item.past.push_back({item.version, item.legs});
    item.version = ++item.versions;
    item.legs.back().request_queues = queues(item.version);
}

void Source::change_back(Item& item) {
    if (item.past.empty() || settings_.transcripts_change) return;
    item.version = item.past.back().version;
    item.legs = std::move(item.past.back().legs);
    item.past.pop_back();
}

Instant Source::date(Instant now, bool odd) const {
    Instant shown = now;
    for (const Fault& fault : faults_) {
        if (fault.kind != Fault::Kind::date_jumps || now >= fault.until || !odd) continue;
        shown = now + std::chrono::seconds{std::stoll(fault.subject)};
    }
    return std::chrono::floor<std::chrono::seconds>(shown);
}

void Source::transfer(Item& item, Instant now) {
    add_message(item);
    if (!item.ongoing) item.past.push_back({item.version, item.legs});
    item.legs.back().ended_at = now;
    item.legs.back().end_reason = "transfer";
    glia::Leg next = leg(item, now);
    if (!item.ongoing) next.ended_at = now;
    item.legs.push_back(std::move(next));
    item.version = ++item.versions;
}

glia::Engagement Source::record(const Item& item, bool with_legs) const {
    glia::Engagement record;
    record.id = item.id;
    record.created_at = item.requested_at;
    record.duration = item.version;
    // The children depend on the version only: a version that returns brings its children back.
    record.operators = operators(item.version);
    record.queues = queues(item.version);
    if (item.has_recording()) record.audio_recording_urls = {recording_url(item)};
    if (with_legs) record.legs = item.legs;
    return record;
}

bool Source::has_fault(Fault::Kind kind, Instant now, const std::string& subject) const {
    return std::any_of(faults_.begin(), faults_.end(), [&](const Fault& fault) {
        return fault.kind == kind && now < fault.until && fault.subject == subject;
    });
}

std::optional<ApiError> Source::failure(Instant now) const {
    if (has_fault(Fault::Kind::outage, now)) return ApiError{ApiError::Kind::unavailable, 503, "outage"};
    if (has_fault(Fault::Kind::token_refused, now))
        return ApiError{ApiError::Kind::credentials, 401, "the token is refused"};
    return std::nullopt;
}

const Item* Source::find(const std::string& id) const {
    const auto item =
        std::find_if(items_.begin(), items_.end(), [&](const Item& one) { return one.id == id; });
    return item == items_.end() ? nullptr : &*item;
}

bool Source::shows(const Item& item, const Cursor& cursor, Instant now) const {
    if (!item.visible_at || *item.visible_at > now || item.is_removed) return false;
    if (std::find(item.sites.begin(), item.sites.end(), cursor.site) == item.sites.end()) return false;
    const Instant key = key_time(item);
    const bool begins = settings_.start_is_exclusive ? key > cursor.from : key >= cursor.from;
    if (!begins || (cursor.to && key > *cursor.to)) return false;
    const bool hides = (has_fault(Fault::Kind::listing_hides, now, cursor.site) && item.number % 2 == 0) ||
                       has_fault(Fault::Kind::site_forgotten, now, cursor.site);
    if (hides) hidden_.insert(item.id);
    return !hides;
}

bool Source::denies(const Item& item, Instant now) const {
    return has_fault(Fault::Kind::detail_missing, now, item.id) ||
           std::any_of(item.sites.begin(), item.sites.end(), [&](const std::string& site) {
               return has_fault(Fault::Kind::site_forgotten, now, site);
           });
}

glia::Result<glia::FetchedPage> Source::page(Cursor cursor, const std::string& link, Instant asked,
                                             Instant now) {
    if (auto failed = failure(now)) return *failed;
    if (has_fault(Fault::Kind::site_refused, now, cursor.site)) {
        return ApiError{ApiError::Kind::forbidden, 403, "no access to the site"};
    }
    std::vector<std::pair<Instant, int>> found;
    const bool descending = settings_.order == SourceSettings::Order::descending;
    if (settings_.order == SourceSettings::Order::any) {
        if (cursor.first) {
            for (const Item& item : items_) {
                if (shows(item, cursor, now)) cursor.rest.push_back(item.number);
            }
            std::sort(cursor.rest.begin(), cursor.rest.end(), [](int a, int b) {
                return (static_cast<unsigned>(a) * 2654435761U) < (static_cast<unsigned>(b) * 2654435761U);
            });
        }
        for (const int number : cursor.rest) found.emplace_back(Instant{}, number);
    } else {
        for (const Item& item : items_) {
            if (!shows(item, cursor, now)) continue;
            const std::pair key{key_time(item), item.number};
            if (cursor.after && (descending ? key >= *cursor.after : key <= *cursor.after)) continue;
            found.push_back(key);
        }
        std::sort(found.begin(), found.end());
        if (descending) std::reverse(found.begin(), found.end());
    }
    const bool more = found.size() > static_cast<std::size_t>(settings_.per_page);
    if (more) found.resize(static_cast<std::size_t>(settings_.per_page));

    glia::FetchedPage response;
    response.fetched_at = asked;
    response.not_before = std::chrono::floor<std::chrono::seconds>(asked);  // the precision of an HTTP Date
    for (const auto& [time, number] : found) {
        const Item& item = items_[static_cast<std::size_t>(number)];
        if (has_fault(Fault::Kind::bad_record, now, item.id)) {
            response.page.rejected.push_back({item.id, "payload of " + item.id, "created_at is no date"});
        } else {
            response.page.engagements.push_back(record(item, settings_.legs_in_list));
        }
    }
    if (more) {
        Cursor next = cursor;
        next.first = false;
        next.after = found.back();
        if (!next.rest.empty()) {
            next.rest.erase(next.rest.begin(), next.rest.begin() + settings_.per_page);
        }
        const bool repeats = !link.empty() && has_fault(Fault::Kind::link_repeats, now);
        const std::string name = repeats ? link : "c" + std::to_string(++cursor_count_);
        cursors_[name] = repeats ? cursor : next;
        response.page.next_page = name;
    }
    return response;
}

glia::Result<glia::FetchedPage> Source::list(const std::string& site, const glia::FirstPageRequest& ask,
                                             Instant asked, Instant now) {
    Cursor cursor;
    cursor.site = site;
    cursor.from = ask.start;
    cursor.to = ask.end;
    return page(std::move(cursor), "", asked, now);
}

glia::Result<glia::FetchedPage> Source::follow(const std::string& link, Instant asked, Instant now) {
    const auto cursor = cursors_.find(link);
    if (cursor == cursors_.end()) return ApiError{ApiError::Kind::not_found, 404, "cursor_not_found"};
    return page(cursor->second, link, asked, now);
}

glia::Result<glia::FetchedDetail> Source::get(const std::string& id, Instant asked, Instant now) {
    if (auto failed = failure(now)) return *failed;
    if (has_fault(Fault::Kind::detail_fails, now, id)) {
        return ApiError{ApiError::Kind::unavailable, 500, "internal error"};
    }
    const Item* item = find(id);
    const bool denied = item && !item->is_removed && denies(*item, now);
    if (denied) denied_.insert(id);
    if (!item || item->is_removed || denied) return ApiError{ApiError::Kind::not_found, 404, "not_found"};
    glia::FetchedDetail response;
    response.fetched_at = asked;
    response.detail.engagement = record(*item, true);
    return response;
}

std::vector<glia::ChatMessage> Source::messages(const Item& item) {
    std::vector<glia::ChatMessage> messages(static_cast<std::size_t>(item.message_count));
    for (std::size_t i = 0; i < messages.size(); ++i) messages[i].message = item.id + "." + std::to_string(i);
    return messages;
}

glia::Result<glia::FetchedTranscript> Source::transcript(const std::string& id, Instant asked,
                                                         Instant now) const {
    if (auto failed = failure(now)) return *failed;
    if (has_fault(Fault::Kind::content_fails, now, id))
        return ApiError{ApiError::Kind::unavailable, 500, "internal error"};
    const Item* item = find(id);
    if (!item || !item->has_chat() || item->message_count == 0)
        return ApiError{ApiError::Kind::not_found, 404, "not_found"};
    return glia::FetchedTranscript{messages(*item), asked};
}

glia::Result<glia::FetchedRecording> Source::recording(const std::string& url, Instant asked,
                                                       Instant now) const {
    if (auto failed = failure(now)) return *failed;
    const Item* item = find(url.substr(1));
    if (!item) return ApiError{ApiError::Kind::not_found, 404, "not_found"};
    if (has_fault(Fault::Kind::content_fails, now, item->id))
        return ApiError{ApiError::Kind::unavailable, 500, "internal error"};
    return glia::FetchedRecording{now < item->recording_made_at ? "" : "https://files/" + url, asked};
}

}  // namespace simulation
