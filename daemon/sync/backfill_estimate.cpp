#include "daemon/sync/backfill_estimate.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/sync/statistics_schedule.hpp"

namespace glia {
namespace {

// Seconds. Minimum latency to assume for a request. Only a server on the same machine is faster.
constexpr double kQuickest = 0.001;

double requests_per_second(double seconds_each, int at_once, double limit) {
    const double possible = at_once / std::max(seconds_each, kQuickest);
    return limit > 0 ? std::min(limit, possible) : possible;
}

}  // namespace

std::int64_t windows_of_range(Instant from, Instant to, Seconds window) {
    return std::max<std::int64_t>(0, (to - from + window - std::chrono::microseconds{1}) / window);
}

std::vector<ProbeWindow> probe_windows(const std::vector<std::string>& sites, Instant from, Instant to,
                                       Seconds window, std::int64_t at_most) {
    std::vector<ProbeWindow> probed;
    const std::int64_t windows = windows_of_range(from, to, window);
    const auto site_count = static_cast<std::int64_t>(sites.size());
    if (windows == 0 || site_count == 0) return probed;
    const std::int64_t windows_per_site = std::clamp<std::int64_t>(at_most / site_count, 1, windows);
    for (const std::string& site : sites) {
        for (std::int64_t i = 0; i < windows_per_site; ++i) {
            // Divides the range into `windows_per_site` equal parts and takes the middle window of each part.
            const Instant begin = from + (2 * i + 1) * windows / (2 * windows_per_site) * window;
            probed.push_back({site, begin, std::min<Instant>(begin + window, to)});
        }
    }
    return probed;
}

std::int64_t statistics_requests(Instant from, Instant to, Instant now, Milliseconds interval) {
    const Seconds length = std::chrono::duration_cast<Seconds>(interval);
    // An interval that begins before this is over by `now`.
    const Instant last = now - length + std::chrono::microseconds{1};
    const std::int64_t intervals =
        windows_of_range(interval_boundary(from, interval), std::min<Instant>(to, last), length);
    return intervals * static_cast<std::int64_t>(kStatisticsSources.size());
}

BackfillEstimate estimate_backfill(const ProbeCounts& probe, std::int64_t windows, bool with_legs,
                                   const RequestRate& rate, std::int64_t statistics) {
    BackfillEstimate estimate;
    if (probe.windows == 0) return estimate;
    const double share = static_cast<double>(windows) / static_cast<double>(probe.windows);
    const auto scaled = [share](std::int64_t count) {
        return static_cast<std::int64_t>(std::llround(static_cast<double>(count) * share));
    };
    estimate.pages = std::max(scaled(probe.pages), windows);  // each window costs at least one page
    estimate.engagements = scaled(probe.engagements);
    estimate.details = with_legs ? scaled(probe.without_legs) : 0;
    const double seconds_per_request = std::chrono::duration<double>(probe.waited).count() /
                                       static_cast<double>(std::max<std::int64_t>(1, probe.pages));
    const int concurrent_listings = std::min(rate.concurrency, rate.at_once);
    const double pages_per_second = requests_per_second(seconds_per_request, concurrent_listings, rate.limit);
    const double details_per_second = requests_per_second(seconds_per_request, rate.at_once, rate.limit);
    const double listing = static_cast<double>(estimate.pages) / pages_per_second;
    // Listing and fetching legs overlap and share the rate limit.
    const double all = static_cast<double>(estimate.requests()) / details_per_second;
    double seconds = std::max(listing, all);
    estimate.requests_per_second = estimate.details > 0 ? details_per_second : pages_per_second;
    if (statistics > 0) {
        // They follow, one request after the other in each window.
        estimate.statistics = statistics;
        seconds += static_cast<double>(statistics) / pages_per_second;
        estimate.requests_per_second = static_cast<double>(estimate.requests()) / seconds;
    }
    estimate.time = Seconds{std::llround(std::ceil(seconds))};
    return estimate;
}

}  // namespace glia
