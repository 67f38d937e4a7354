// State of backfills and their windows (DESIGN.md §1, backfill).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// What identifies a backfill: the same again goes on with the unfinished one.
struct BackfillSpec {
    Instant from{};
    Instant to{};
    bool to_is_open = false;  ///< --to was not given: `to` is now, and an unfinished backfill keeps its own
    Seconds window{};
    std::vector<std::string> sites;
    bool restart = false;
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

/// Which windows of a backfill to take.
struct WindowClaim {
    std::int64_t backfill_id = 0;
    std::string owner;
    Seconds ttl{};
    std::vector<std::string> except_sites;
    std::int64_t limit = 1;
};

/// How far a backfill is.
struct BackfillProgress {
    std::int64_t windows_total = 0;
    std::int64_t windows_done = 0;
    std::int64_t windows_leased = 0;  ///< being read, by this instance or another, or left behind
                                      ///< by one whose lease ran out less than a minute ago
    std::int64_t engagements = 0;
    std::int64_t pages = 0;
    std::string error;  ///< of the window that failed last, if any is unfinished because of it
};

/// Backfills. A window's checkpoint moves with Sink::commit(), under the window's own lease.
class BackfillStore {
  public:
    virtual ~BackfillStore() = default;

    /// Finds or makes the backfill.
    virtual BackfillState open(const BackfillSpec& spec) = 0;
    /// The oldest windows that are free, in that order.
    virtual std::vector<WindowLease> claim_windows(const WindowClaim& claim) = 0;
    /// Throws `lease_lost` if the lease has passed to another instance.
    virtual void renew_window(const WindowTarget& window, Seconds ttl) = 0;
    /// Gives a window back unfinished; an error leaves a row in sync_runs, none means that only the program
    /// stops. Does nothing if the lease is no longer held.
    virtual void release_window(const WindowTarget& window, const std::string& error) = 0;
    virtual BackfillProgress progress(std::int64_t backfill_id) = 0;
    /// For `status`: how long it will take from now on; none if nothing can be said.
    virtual void record_time_left(std::int64_t backfill_id, std::optional<Seconds> left) = 0;
    /// Closes a backfill all of whose windows are done, with a row in sync_runs.
    virtual void finish(std::int64_t backfill_id) = 0;
};

}  // namespace glia
