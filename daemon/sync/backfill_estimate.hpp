// Estimates the cost of a backfill from a few of its windows, for `backfill --dry-run`. Decisions only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// A window of a site that is read for the estimate.
struct ProbeWindow {
    std::string site_id;
    Instant from{};
    Instant to{};
    bool operator==(const ProbeWindow&) const = default;
};

/// The number of windows of one site in [from, to).
std::int64_t windows_of_range(Instant from, Instant to, Seconds window);

/// Returns at most `at_most` windows, or one for each site if there are more sites. Spreads the windows of
/// each site evenly over the range.
std::vector<ProbeWindow> probe_windows(const std::vector<std::string>& sites, Instant from, Instant to,
                                       Seconds window, std::int64_t at_most);

/// Counts from the listings of the probed windows.
struct ProbeCounts {
    std::int64_t windows = 0;
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    std::int64_t without_legs = 0;  ///< the engagements among them that were listed without legs
    bool is_cut = false;            ///< a window had more pages than the probe read
    Milliseconds waited{};          ///< the sum of the pages' response times

    bool operator==(const ProbeCounts&) const = default;
};

struct BackfillEstimate {
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    std::int64_t details = 0;     ///< requests for legs
    std::int64_t statistics = 0;  ///< requests for statistics, which follow the engagements
    Seconds time{};
    double requests_per_second = 0;  ///< the request rate that `time` assumes

    std::int64_t requests() const { return pages + details + statistics; }
};

/// How fast requests may be sent.
struct RequestRate {
    double limit = 0;     ///< per second; 0: none
    int at_once = 8;      ///< requests in flight
    int concurrency = 4;  ///< concurrent windows; a window's pages are fetched one after the other
};

/// The requests for one site's statistics of a range: one for each source and interval that is over by `now`.
std::int64_t statistics_requests(Instant from, Instant to, Instant now, Milliseconds interval);

/// Scales the probe to `windows` windows. Assumes the probe's average response time, for `statistics`
/// requests too. Legs and pages share the rate.
BackfillEstimate estimate_backfill(const ProbeCounts& probe, std::int64_t windows, bool with_legs,
                                   const RequestRate& rate, std::int64_t statistics = 0);

}  // namespace glia
