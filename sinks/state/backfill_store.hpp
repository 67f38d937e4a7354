// State of backfills and their windows (DESIGN.md §1, backfill).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// Identifies a backfill: an equal spec resumes the unfinished one.
struct BackfillSpec {
    Instant from{};
    Instant to{};
    bool to_is_open = false;  ///< no --to (`to` is now), or one in the future; a resumed backfill keeps its
                              ///< stored `to`
    Seconds window{};
    std::vector<std::string> sites;
    bool restart = false;
    Stream stream = Stream::engagements;  ///< or statistics, if the sink stores them
};

/// A backfill as stored.
struct BackfillState {
    std::int64_t id = 0;
    Instant from{};
    Instant to{};
    bool resumed = false;
    bool already_complete = false;
};

/// A window of a backfill that was claimed.
struct WindowLease {
    WindowTarget target;
    OpenPass pass;
    int attempts = 0;
};

/// Which windows of a backfill to claim.
struct WindowClaim {
    std::int64_t backfill_id = 0;
    std::string instance_id;
    Seconds ttl{};
    std::vector<std::string> except_sites;
    std::int64_t limit = 1;
};

struct BackfillProgress {
    std::int64_t windows_total = 0;
    std::int64_t windows_done = 0;
    std::int64_t windows_leased = 0;  ///< being read by any instance, or with a lease that expired
                                      ///< less than a minute ago
    std::int64_t windows_free = 0;    ///< can be claimed, of other sites than the excluded ones
    std::int64_t engagements = 0;
    std::int64_t pages = 0;
    std::string error;  ///< the last error of an unfinished window; empty if none has failed
};

/// Backfills. A window's checkpoint moves with Sink::commit(), under the window's own lease.
class BackfillStore {
  public:
    virtual ~BackfillStore() = default;

    /// Finds or creates the backfill.
    virtual BackfillState open(const BackfillSpec& spec) = 0;
    /// Claims the oldest free windows, in order.
    virtual std::vector<WindowLease> claim_windows(const WindowClaim& claim) = 0;
    /// Throws `lease_lost` if the lease has passed to another instance.
    virtual void renew_window(const WindowTarget& window, Seconds ttl) = 0;
    /// Releases an unfinished window. An error is recorded in sync_runs and counts as an attempt; an empty
    /// error means that the program stops or that the API refuses the site. Does nothing if the lease is no
    /// longer held.
    virtual void release_window(const WindowTarget& window, const std::string& error) = 0;
    /// Reads all counts in one snapshot. `except_sites`: as in WindowClaim.
    virtual BackfillProgress progress(std::int64_t backfill_id,
                                      const std::vector<std::string>& except_sites) = 0;
    /// Stores the estimated time left, for `status`; none if there is no estimate.
    virtual void record_time_left(std::int64_t backfill_id, std::optional<Seconds> left) = 0;
    /// Closes a backfill all of whose windows are done, with a row in sync_runs.
    virtual void finish(std::int64_t backfill_id) = 0;
};

}  // namespace glia
