#include "daemon/sync/verification.hpp"

#include <algorithm>

#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// Maximum concurrent Compare steps. Keeps connections free for the pages of listings and for repairs.
constexpr int kMaxComparing = 2;
// Maximum open days per concurrent listing: later days are listed while suspects of earlier ones are
// requested.
constexpr int kOpenDaysForEachListing = 2;

/// Removes and returns the first record of each engagement; the others stay in `records`. An engagement that
/// two sites list has two records, and a comparison or commit of both in one batch reports only on the last.
std::shared_ptr<Batch> take_distinct(std::vector<FetchedEngagement>& records) {
    auto taken = std::make_shared<Batch>();
    std::vector<FetchedEngagement> left;
    std::set<std::string> ids;
    for (FetchedEngagement& record : records) {
        const bool is_first = ids.insert(record.engagement.id.str()).second;
        (is_first ? taken->engagements : left).push_back(std::move(record));
    }
    records = std::move(left);
    return taken;
}

}  // namespace

const char* name_of(DifferenceKind kind) {
    switch (kind) {
        case DifferenceKind::missing:
            return "missing";
        case DifferenceKind::different:
            return "different";
        case DifferenceKind::gone:
            return "gone";
    }
    return "different";
}

Verification::Verification(VerificationSpec spec) : spec_(std::move(spec)), salt_(to_text(spec_.from)) {
    constexpr std::chrono::hours kDay{24};
    for (Instant from = spec_.from; from < spec_.to;) {
        OneDay day;
        day.from = from;
        day.to = std::min<Instant>(std::chrono::floor<std::chrono::days>(from) + kDay, spec_.to);
        for (const std::string& site : spec_.sites) day.sites[site];
        from = day.to;
        days_.push_back(std::move(day));
    }
}

// ------------------------------------------------------------------------------------------ what to do next

Verification::Step Verification::next(Milliseconds now) {
    if (auto step = next_of_suspects(now)) return std::move(*step);
    if (auto step = next_of_days()) return std::move(*step);
    if (is_over()) return End{};
    Wait wait;
    if (!due_.empty() && !stopped_ && due_.begin()->first > now) wait.until = due_.begin()->first;
    return wait;
}

bool Verification::is_over() const {
    const bool idle = listing_ == 0 && getting_ == 0 && comparing_ == 0 && writing_ == 0;
    if (!idle) return false;
    if (stopped_) return true;
    return closed_ == days_.size();
}

std::optional<Verification::Step> Verification::next_of_suspects(Milliseconds now) {
    const bool getting_ends = getting_ == 0 && (stopped_ || due_.empty() || due_.begin()->first > now);
    const std::size_t responses = responses_.size();
    if (responses > 0 && comparing_ < kMaxComparing && (responses >= kBatch || getting_ends)) {
        ++comparing_;
        return Compare{take_distinct(responses_)};
    }
    if (!to_load_.empty() && writing_ == 0) {
        ++writing_;
        return Load{take_distinct(to_load_)};
    }
    if (stopped_ || getting_ >= spec_.max_gets || responses >= kBatch) return std::nullopt;
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    const EngagementOfSite what = due_.begin()->second;
    due_.erase(due_.begin());
    ++getting_;
    return Get{what};
}

std::optional<Verification::Step> Verification::next_of_days() {
    if (!stopped_) open_days();
    for (Day number = first_open_; number < next_day_; ++number) {
        OneDay& day = days_[number];
        std::optional<Step> step;
        if (day.state == OneDay::State::open) step = list(day, number);
        if (!step && day.state == OneDay::State::open) step = scan(day, number);
        if (!step && day.state == OneDay::State::scanned) step = mark(day, number);
        if (!step && day.state == OneDay::State::marked) step = close(day);
        if (step) return step;
    }
    while (first_open_ < next_day_ && days_[first_open_].state == OneDay::State::closed) ++first_open_;
    return std::nullopt;
}

void Verification::open_days() {
    const auto has_waiting_site = [](const OneDay& day) {
        return std::any_of(day.sites.begin(), day.sites.end(),
                           [](const auto& site) { return site.second.state == SiteOfDay::State::waiting; });
    };
    const auto most = static_cast<Day>(kOpenDaysForEachListing * spec_.concurrency);
    while (next_day_ < days_.size() && next_day_ - first_open_ < most && has_room()) {
        const bool is_listing_ahead = next_day_ > first_open_ &&
                                      days_[next_day_ - 1].state == OneDay::State::open &&
                                      has_waiting_site(days_[next_day_ - 1]);
        if (is_listing_ahead) return;
        days_[next_day_++].state = OneDay::State::open;
    }
}

std::optional<Verification::Step> Verification::list(OneDay& day, Day number) {
    if (stopped_ || listing_ >= spec_.concurrency || !has_room()) return std::nullopt;
    for (auto& [id, site] : day.sites) {
        if (site.state != SiteOfDay::State::waiting) continue;
        site.state = SiteOfDay::State::listing;
        ++listing_;
        return List{number, id, day.from, day.to};
    }
    return std::nullopt;
}

/// Returns the Scan of the day once every site is listed or has failed.
std::optional<Verification::Step> Verification::scan(OneDay& day, Day number) {
    Scan scan{number, day.from, day.to, {}};
    for (const auto& [id, site] : day.sites) {
        if (site.state == SiteOfDay::State::waiting || site.state == SiteOfDay::State::listing)
            return std::nullopt;
        if (site.state == SiteOfDay::State::listed) scan.sites.push_back(id);
    }
    if (stopped_) return std::nullopt;
    if (scan.sites.empty()) {
        day.state = OneDay::State::scanned;
        return std::nullopt;
    }
    day.state = OneDay::State::scanning;
    ++writing_;
    return scan;
}

/// Returns the Mark of the day's gone engagements, if it repairs and there are any, once no engagement of the
/// day is under suspicion.
std::optional<Verification::Step> Verification::mark(OneDay& day, Day number) {
    if (day.suspects > 0) return std::nullopt;
    Mark mark{number, {}};
    for (auto& [id, site] : day.sites) {
        if (site.state != SiteOfDay::State::listed) continue;
        const auto gone = static_cast<std::int64_t>(site.gone.size());
        if (is_plausibly_gone(gone, site.counts.stored)) {
            mark.engagements.insert(mark.engagements.end(), site.gone.begin(), site.gone.end());
        } else {
            implausible_.emplace_back(day.from, id);
        }
        site.gone.clear();
        site.listed = {};
    }
    day.state = OneDay::State::marked;
    if (!spec_.repair || mark.engagements.empty()) return std::nullopt;
    ++day.marking;
    ++writing_;
    return mark;
}

std::optional<Verification::Step> Verification::close(OneDay& day) {
    if (day.marking > 0) return std::nullopt;
    Record record{{spec_.from, spec_.to, day.from, {}}};
    for (auto& [id, site] : day.sites) {
        if (site.state != SiteOfDay::State::listed) continue;
        record.day.sites.push_back({id, site.counts});
        results_[{day.from, id}] = site.counts;
    }
    day.state = OneDay::State::closed;
    ++closed_;
    if (record.day.sites.empty()) return std::nullopt;
    ++writing_;
    return record;
}

}  // namespace glia
