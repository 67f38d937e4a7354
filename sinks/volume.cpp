#include "sinks/volume.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace glia {
namespace {

// With fewer expected engagements a low count is not significant. With 20 expected, two or fewer are below
// the threshold, and occur by chance less than once in a million times.
constexpr double kLeastExpected = 20;
// A usual day has at least this share of the expected number: days differ by more than chance.
constexpr double kUsualShare = 0.6;
// Standard deviations of a Poisson distribution that still count as chance.
constexpr double kDeviations = 4;
// With 100 expected, both criteria give the same threshold: 100 - 4 * sqrt(100) = 60 %.
constexpr double kWindowExpected = 100;
constexpr std::int64_t kWindowHours = 24;
// A day is judged by its first hours: until the expected sum reaches this number or half of the day's sum,
// whichever is less.
constexpr double kDayBegins = 50;

using Days = std::map<std::int64_t, std::vector<const VolumeHour*>>;

bool began_quietly(const std::vector<const VolumeHour*>& hours) {
    double of_day = 0, expected = 0, seen = 0;
    for (const VolumeHour* hour : hours) of_day += hour->expected.value_or(0);
    const double enough = std::max(kLeastExpected, std::min(kDayBegins, of_day / 2));
    for (const VolumeHour* hour : hours) {
        if (!hour->expected) continue;
        expected += *hour->expected;
        seen += static_cast<double>(hour->engagements);
        if (expected >= enough) break;
    }
    return seen < low_volume_threshold(expected);
}

/// Returns the days that may be holidays: the first day of each series of quiet days.
std::set<std::int64_t> quiet_days(const std::vector<VolumeHour>& hours) {
    Days days;
    for (const VolumeHour& hour : hours) days[hour.local_day].push_back(&hour);
    std::set<std::int64_t> quiet;
    bool was_quiet = false;
    for (const auto& [day, of_day] : days) {
        const bool is_quiet = began_quietly(of_day);
        if (is_quiet && !was_quiet) quiet.insert(day);
        was_quiet = is_quiet;
    }
    return quiet;
}

}  // namespace

double low_volume_threshold(double expected) {
    if (expected < kLeastExpected) return 0;
    return std::max(0.0, std::min(kUsualShare * expected, expected - kDeviations * std::sqrt(expected)));
}

VolumeStatus judge_volume(const std::vector<VolumeHour>& hours) {
    VolumeStatus status;
    if (hours.empty()) return status;
    const std::set<std::int64_t> quiet = quiet_days(hours);
    const Instant begin = hours.back().start - std::chrono::hours{kWindowHours - 1};
    for (auto hour = hours.rbegin(); hour != hours.rend() && hour->start >= begin; ++hour) {
        if (!hour->expected) continue;
        if (quiet.count(hour->local_day) > 0) {
            status.has_quiet_day = true;
            continue;
        }
        ++status.hours;
        status.expected += *hour->expected;
        status.seen += hour->engagements;
        if (status.expected >= kWindowExpected) break;
    }
    status.low_threshold = low_volume_threshold(status.expected);
    return status;
}

}  // namespace glia
