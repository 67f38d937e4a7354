#include "daemon/sync/listing_schedule.hpp"

#include <algorithm>
#include <utility>

namespace glia {
namespace {

// Minimum duration of a Wait.
constexpr Milliseconds kShortestWait{100};

}  // namespace

ListingSchedule::ListingSchedule(std::vector<SiteKey> listings) {
    for (SiteKey& key : listings) listings_.push_back({std::move(key)});
}

std::variant<ListingSchedule::Read, ListingSchedule::Wait> ListingSchedule::next(Milliseconds now) const {
    const auto next = std::min_element(listings_.begin(), listings_.end(),
                                       [](const auto& a, const auto& b) { return a.due_at < b.due_at; });
    if (next == listings_.end()) return Wait{kLongestWait};
    if (next->due_at <= now)
        return Read{static_cast<std::size_t>(next - listings_.begin()), next->key, next->force};
    return Wait{std::clamp(next->due_at - now, kShortestWait, kLongestWait)};
}

void ListingSchedule::on_result(const Read& read, const ListingResult& result, Milliseconds now) {
    Listing& listing = listings_.at(read.listing);
    listing.force = false;
    listing.due_at = now + result.wait;
}

ListingResult listing_not_leased(const SiteAcquired& acquired) {
    return {{}, std::clamp<Milliseconds>(acquired.wait, Seconds{1}, ListingSchedule::kLongestWait)};
}

ListingResult listing_not_stored(ExitStatus outcome, const DirectorySettings& settings) {
    return {std::move(outcome), listing_retry(settings.every, 1)};
}

}  // namespace glia
