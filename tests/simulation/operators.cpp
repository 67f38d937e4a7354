#include "tests/simulation/operators.hpp"

#include <algorithm>

namespace simulation {
namespace {

using glia::ApiError;

bool lasts(const std::map<std::string, Instant>& until, const std::string& subject, Instant now) {
    const auto found = until.find(subject);
    return found != until.end() && now < found->second;
}

}  // namespace

glia::OperatorEntry Person::entry() const {
    glia::OperatorEntry entry;
    entry.id = id;
    entry.name = name;
    entry.enabled = enabled;
    return entry;
}

bool Person::absent_within(const std::string& site, Instant from, Instant to) const {
    const auto found = changes.find(site);
    if (found == changes.end()) return true;
    const std::vector<Instant>& at = found->second;
    // The operator is listed from at[0] to at[1], from at[2] to at[3], …
    for (std::size_t i = 0; i < at.size(); i += 2) {
        if (at[i] <= from && (i + 1 == at.size() || at[i + 1] > to)) return false;
    }
    return true;
}

void Operators::add(const std::set<std::string>& sites, Instant now) {
    Person person;
    person.id = "o" + std::to_string(100 + persons_.size());
    person.name = "n0";
    persons_.push_back(std::move(person));
    for (const std::string& site : sites) list(persons_.back(), site, true, now);
}

void Operators::list(Person& person, const std::string& site, bool listed, Instant now) {
    if (listed ? !person.sites.insert(site).second : person.sites.erase(site) == 0) return;
    person.changes[site].push_back(now);
}

void Operators::end_faults() {
    refused_until.clear();
    fails_until.clear();
    unreadable_until.clear();
    down_until = links_repeat_until = cursors_lost_until = Instant{};
}

glia::Result<glia::FetchedListing> Operators::list(const std::string& site, Instant asked, Instant now) {
    return page({site, ""}, "", asked, now);
}

glia::Result<glia::FetchedListing> Operators::follow(const std::string& link, Instant asked, Instant now) {
    const auto cursor = cursors_.find(link);
    if (cursor == cursors_.end() || now < cursors_lost_until)
        return ApiError{ApiError::Kind::not_found, 404, "cursor_not_found"};
    return page(Cursor(cursor->second), link, asked, now);
}

glia::Result<glia::FetchedListing> Operators::page(const Cursor& cursor, const std::string& link,
                                                   Instant asked, Instant now) {
    if (now < down_until) return ApiError{ApiError::Kind::unavailable, 503, "outage"};
    if (lasts(refused_until, cursor.site, now))
        return ApiError{ApiError::Kind::forbidden, 403, "no access to operators"};
    // The first page of such a listing succeeds.
    if (!link.empty() && lasts(fails_until, cursor.site, now))
        return ApiError{ApiError::Kind::unavailable, 500, "internal error"};
    glia::FetchedListing response;
    response.fetched_at = asked;
    int shown = 0;
    std::string last;
    for (const Person& person : persons_) {
        if (person.id <= cursor.after || !person.sites.contains(cursor.site)) continue;
        if (++shown > per_page_) {
            const bool repeats = !link.empty() && now < links_repeat_until;
            const std::string next = repeats ? link : "p" + std::to_string(++cursor_count_);
            cursors_[next] = {cursor.site, last};
            response.page.next_page = next;
            break;
        }
        last = person.id;
        if (lasts(unreadable_until, person.id, now)) {
            response.page.rejected.push_back({std::nullopt, "{}", "id is missing"});
        } else {
            response.page.records.operators.push_back(person.entry());
        }
    }
    return response;
}

}  // namespace simulation
