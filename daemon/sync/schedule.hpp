// When a site is read again, and how far back: decisions only (DESIGN.md §2 sync, §3.3).
#pragma once

#include <optional>
#include <vector>

#include "daemon/config/settings.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// Earliest start of a pass. The API has nothing older. Without this bound, a start in the year 1 minus the
/// overlap would be a time that neither the API nor the database accepts.
inline constexpr Instant kEarliestStart{};  // 1970-01-01T00:00:00Z

/// The pass that a leased site needs: its open one, or a new one from the watermark less the overlap, or from
/// `start_from` if there is no watermark yet. An open pass is dropped if it begins later than a new one
/// would, or if there is no watermark and `start_from` has changed. A watermark after `latest` was written by
/// a wrong clock: the pass begins at `latest` less the overlap (DESIGN.md §3.10).
OpenPass incremental_pass(const SiteLease& lease, const SyncSettings& sync, Instant latest);

/// The widest revisit tier that is due, with those it covers; none if none is due.
struct DueTier {
    Milliseconds back{};
    std::vector<Seconds> covers;
};
std::optional<DueTier> due_tier(const std::vector<TierState>& states, const SyncSettings& sync);

/// Time until the next poll: poll_every, doubled after each failure, up to five minutes (or poll_every, if
/// that is longer). Shortened by a random share of up to a tenth, which spreads the polls of many sites.
Milliseconds next_poll(const SyncSettings& sync, int failures, double random);

/// True if the site's time of the next poll is later than these settings set it after as many failures: the
/// time is of a longer poll_every, or of a clock that was ahead.
bool waits_too_long(const SiteAcquired& not_leased, const SyncSettings& sync);

/// When to fetch an ongoing engagement again: a twentieth of its age, between poll_every and an hour.
Seconds refetch_wait(const SyncSettings& sync, Instant created_at, Instant now);

/// When to retry a job that could not be fetched.
struct WorkRetry {
    Seconds retry_in{};
    bool parked = false;  ///< the cause is the job itself: shown in `status`
};
/// `attempts`: earlier failed attempts. `permanent`: the API refuses the job (403, 404 or another 4xx), or
/// the result cannot be loaded.
WorkRetry work_retry(int attempts, bool permanent);
/// Pause before a recording that is still being made is requested again. Doubled each time.
Seconds recording_retry_pause(int attempts);

}  // namespace glia
