#include "daemon/sync/volume_schedule.hpp"

#include <algorithm>

namespace glia {
namespace {

using std::chrono::hours;

constexpr hours kRangeEachTime{3};
constexpr hours kRangeOfNewHour{26};
// The view compares with the eight weeks before an hour, and judges the last three days.
constexpr hours kRangeOfNewDay{8 * 7 * 24 + 3 * 24};
// Hours counted per statement, which takes a fraction of a second for a contact centre of a million
// engagements a day.
constexpr hours kAtOnce{24};

Instant begin_for(const VolumeSite& site, Instant end) {
    if (!site.newest) return end - kRangeOfNewDay;
    const Instant last = end - hours{1};
    if (*site.newest >= last) return end - kRangeEachTime;
    const auto day = [](Instant time) { return std::chrono::floor<std::chrono::days>(time); };
    return day(*site.newest) < day(last) ? end - kRangeOfNewDay
                                         : std::min(end - kRangeOfNewHour, *site.newest);
}

}  // namespace

std::vector<VolumeRange> volume_ranges(const std::vector<VolumeSite>& sites) {
    std::vector<VolumeRange> ranges;
    if (sites.empty()) return ranges;
    Instant from = Instant::max(), end = Instant::min();
    for (const VolumeSite& site : sites) {
        const Instant through = std::chrono::floor<hours>(site.complete_through);
        from = std::min(from, begin_for(site, through));
        end = std::max(end, through);
    }
    // A site that has not been read for a long time must not make the range larger than that of a new day.
    from = std::max(from, end - kRangeOfNewDay);
    for (; from < end; from = ranges.back().before) ranges.push_back({from, std::min(from + kAtOnce, end)});
    return ranges;
}

}  // namespace glia
