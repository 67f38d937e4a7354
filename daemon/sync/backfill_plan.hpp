// Which windows of a backfill to claim, read, renew and give back, and when the listing is over. Decisions
// only: backfill.cpp performs them, and so does the simulation. See `BackfillPlan`.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/sync/backfill_failures.hpp"

namespace glia {

/// Bounds of a BackfillPlan.
struct BackfillLimits {
    int concurrency = 4;  ///< windows being read from the API
    /// Maximum windows that are read but not committed. Bounds the leases held; CommitLimits::unwritten
    /// bounds their engagements.
    std::size_t uncommitted = 252;
    /// Maximum windows per claim. Each claim is a transaction: a claim within claim_interval of the one
    /// before takes twice as many, a later one half as many (at least `concurrency`).
    int max_claim = 32;
    Milliseconds claim_interval{500};
    /// Pause between two attempts to claim windows that other instances hold.
    Milliseconds retry{1'000};
    /// Age of a lease at its renewal: a third of its duration.
    Milliseconds renew{10'000};
};

/// The listing of a backfill, from the first claim until every window is done or has failed. Waits for
/// windows that other instances hold, and claims them if their instance dies. Pure: no I/O and no clock;
/// `now` is any clock that only goes forward.
class BackfillPlan {
  public:
    explicit BackfillPlan(BackfillLimits limits) : limits_(limits) {}

    /// Names a leased window until it is completed.
    using Number = std::uint64_t;

    /// Claim windows, then on_claimed().
    struct Claim {
        int limit = 0;
        std::vector<std::string> except_sites;
    };
    /// Read a window, then on_fetched() once it needs no further request, and on_completed() after its last
    /// commit.
    struct Read {
        Number window = 0;
        WindowLease lease;
    };
    /// Release a window that is not done, then on_given_back(). `error`: why, if the window itself failed.
    struct GiveBack {
        WindowTarget target;
        std::string error;
    };
    /// Renew these leases, then on_renewed(), even if the renewal fails: the next commit detects a lost
    /// lease.
    struct Renew {
        std::vector<WindowTarget> targets;
    };
    /// Read the backfill's progress, then on_inspected().
    struct Inspect {};
    /// Free the leases of instances that are dead or stuck, then on_dead_freed().
    struct FreeDead {};
    /// Nothing to do before the next event or, if it is set, before `until`.
    struct Wait {
        std::optional<Milliseconds> until;
    };
    /// The listing is over: nothing is leased or under way.
    struct End {};
    using Step = std::variant<Claim, Read, GiveBack, Renew, Inspect, FreeDead, Wait, End>;
    /// Call after each event until it returns Wait or End.
    Step next(Milliseconds now);

    void on_claimed(std::vector<WindowLease> leases, Milliseconds now);
    void on_fetched(Number window);
    void on_completed(Number window, const PassResult& pass);
    void on_given_back();
    void on_renewed() { renewing_ = false; }
    void on_inspected(const BackfillProgress& progress);
    void on_dead_freed(Milliseconds now);
    /// Instead of on_claimed(), on_given_back(), on_inspected() or on_dead_freed(): the sink failed.
    void on_failed(const Step& step, const ExitStatus& outcome);
    /// The program stops: windows that were claimed but not begun are given back.
    void stop() { stopped_ = true; }

    const BackfillFailures& failures() const { return failures_; }

  private:
    struct LeasedWindow {
        WindowLease lease;
        Milliseconds renewed_at{};
        bool reading = false;
    };

    bool closing() const { return stopped_ || failures_.down(); }
    bool idle() const { return windows_.empty() && give_back_.empty() && giving_back_ == 0; }
    bool under_way() const { return claiming_ || inspecting_ || freeing_ || renewing_; }
    /// A reader has nothing to read.
    bool starved() const { return claimed_.empty() && reading_ < limits_.concurrency; }
    std::optional<Renew> renewal(Milliseconds now);
    std::optional<Step> give_back();
    std::optional<Step> read();
    std::optional<Step> claim(Milliseconds now);
    std::optional<Step> wait_for_others(Milliseconds now);
    Claim begin_claim(Milliseconds now);
    Wait wait() const;

    BackfillLimits limits_;
    BackfillFailures failures_;
    Number last_number_ = 0;
    std::map<Number, LeasedWindow> windows_;
    std::deque<Number> claimed_;  // the windows that are not begun
    int reading_ = 0;             // the number of windows that were begun and have pages to fetch
    std::deque<GiveBack> give_back_;
    int giving_back_ = 0;
    Milliseconds renew_at_{};
    bool renewing_ = false;

    bool claiming_ = false;
    bool ahead_failed_ = false;  // a claim failed: claims no window ahead of need
    int claim_size_ = 0;
    std::optional<Milliseconds> claimed_at_;

    // True after a claim that found no window.
    bool exhausted_ = false;
    bool inspecting_ = false;
    bool inspected_ = false;
    bool freeing_ = false;
    std::optional<Milliseconds> retry_at_;  // set once leases of dead instances are freed
    bool claimed_again_ = false;            // before retry_at_; reset when a claim finds a window
    bool over_ = false;
    bool stopped_ = false;
};

/// The exit status of a backfill. `so_far`: the more serious status of the listing and the details. `after`:
/// the final progress.
ExitStatus conclude(ExitStatus so_far, const BackfillProgress& after, bool stopped);

}  // namespace glia
