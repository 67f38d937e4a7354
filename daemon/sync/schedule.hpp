// When a site is read again, and how far back: decisions only (DESIGN.md §2 sync, §3.3).
#pragma once

#include <optional>
#include <vector>

#include "daemon/config/settings.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// Earliest start of a reading. The API has nothing older, and neither the API nor the database takes the
/// year 1 less an overlap.
inline constexpr Instant kEarliestStart{};  // 1970-01-01T00:00:00Z

/// The pass that a leased site needs: its open one, or a new one from the watermark less the overlap, or from
/// `start_from` if there is no watermark yet. An open pass that begins later than a new one would is dropped.
/// A watermark after `latest` was written by a wrong clock: the pass begins at `latest` less the overlap
/// (DESIGN.md §3.10).
OpenPass incremental_pass(const SiteLease& lease, const SyncSettings& sync, Instant latest);

/// The widest revisit tier that is due, with those it covers; none if none is due.
struct DueTier {
    Milliseconds back{};
    std::vector<Seconds> covers;
};
std::optional<DueTier> due_tier(const std::vector<TierState>& states, const SyncSettings& sync);

/// Time until the next poll: poll_every with up to a tenth of jitter, so that many sites do not come at once;
/// after failures twice as long each time, at most five minutes (or poll_every, if that is longer).
Milliseconds next_poll(const SyncSettings& sync, int failures, double random);

/// When to fetch an ongoing engagement again: a twentieth of its age, between poll_every and an hour.
Seconds refetch_wait(const SyncSettings& sync, Instant created_at, Instant now);

/// When a job that could not be fetched is tried again.
struct WorkRetry {
    Seconds retry_in{};
    bool parked = false;  ///< it has a reason of its own, and people should see it
};
/// `attempts` failed before this one; `permanent` for 403, 404 and records that cannot be loaded.
WorkRetry work_retry(int attempts, bool permanent);
/// When to ask again for a recording that is still being made, "shortly after" its engagement has ended:
/// twice as long each time.
Seconds wait_until_made(int attempts);

}  // namespace glia
