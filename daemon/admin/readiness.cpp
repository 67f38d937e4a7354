#include "daemon/admin/readiness.hpp"

#include <algorithm>

#include "daemon/base/progress.hpp"
#include "sinks/durations.hpp"

namespace glia {
namespace {

// A site is polled every poll_every; several missed polls mean that nobody reads it.
constexpr int kPollsMissed = 5;
constexpr std::chrono::minutes kAtLeast{10};

/// Returns why the site is not in order; empty if it is.
std::string failure(const SiteStatus* site, std::chrono::duration<double> poll_every, Instant now) {
    if (!site) return "has not been read yet";
    if (is_failing(*site)) return "its last pass failed";
    if (site->lease_owner) return "";
    if (!site->last_success_at) return "its first pass is not complete yet";
    const auto ago = now - *site->last_success_at;
    if (ago <= std::max<std::chrono::duration<double>>(poll_every * kPollsMissed, kAtLeast)) return "";
    return "was last read " + short_duration(std::chrono::duration_cast<Seconds>(ago)) + " ago";
}

}  // namespace

Readiness judge_readiness(const Gauges& gauges, Instant now) {
    Readiness result;
    result.text = gauges.database_up ? "database: answers\n" : "database: does not answer\n";
    for (const std::string& name : gauges.sites) {
        const std::string why = failure(gauges.find(name), gauges.poll_every, now);
        result.ready = result.ready || why.empty();
        result.text += "site " + name + ": " + (why.empty() ? "in order" : why) + "\n";
    }
    result.ready = result.ready && gauges.database_up;
    result.text += result.ready ? "ready\n" : "not ready\n";
    return result;
}

}  // namespace glia
