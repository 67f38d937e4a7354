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
    /// Windows whose last commit may be unsettled while others are read. Bounds the leases held; how many
    /// engagements may be unsettled is CommitLimits::unwritten.
    std::size_t unsettled = 252;
    /// Windows per claim. A claim is a transaction: claims grow up to this many windows while they last less
    /// than claim_lasts.
    int claim = 32;
    Milliseconds claim_lasts{500};
    /// Between two attempts to claim what other instances hold.
    Milliseconds retry{1'000};
    /// Age of a lease at its renewal: a third of the time for which it is given.
    Milliseconds renew{10'000};
};

/// The listing of a backfill, from the first claim until every window is done, or cannot be. Windows that
/// other instances hold are waited for: if such an instance dies, its windows fall to this one. Pure: no I/O
/// and no clock; `now` is any clock that only goes forward.
class BackfillPlan {
  public:
    explicit BackfillPlan(BackfillLimits limits) : limits_(limits) {}

    /// Names a leased window until it is settled.
    using Number = std::uint64_t;

    /// Claim windows; on_claimed().
    struct Claim {
        int limit = 0;
        std::vector<std::string> except_sites;
    };
    /// Read a window; on_fetched() once nothing more is asked of the API, on_settled() after its last commit.
    struct Read {
        Number window = 0;
        WindowLease lease;
    };
    /// Release a window that is not done; on_given_back(). `error`: why, if it concerns the window.
    struct GiveBack {
        WindowTarget target;
        std::string error;
    };
    /// Renew these leases; on_renewed(), whether that worked or not: the next commit finds out.
    struct Renew {
        std::vector<WindowTarget> targets;
    };
    /// Ask how far the backfill is; on_inspected().
    struct Inspect {};
    /// Free the leases of instances that are dead or stuck; on_dead_freed().
    struct FreeDead {};
    /// Nothing to do before the next event or, if it is set, before `until`.
    struct Wait {
        std::optional<Milliseconds> until;
    };
    /// The listing is over: nothing is leased or under way.
    struct End {};
    using Step = std::variant<Claim, Read, GiveBack, Renew, Inspect, FreeDead, Wait, End>;
    /// To be asked after each event until it says Wait or End.
    Step next(Milliseconds now);

    void on_claimed(std::vector<WindowLease> leases, Milliseconds now);
    void on_fetched(Number window);
    void on_settled(Number window, const PassResult& pass);
    void on_given_back();
    void on_renewed() { renewing_ = false; }
    void on_inspected(const BackfillProgress& progress);
    void on_dead_freed(Milliseconds now);
    /// Instead of on_claimed(), on_given_back(), on_inspected() or on_dead_freed(): the sink failed.
    void on_failed(const Step& step, const Outcome& outcome);
    /// The program stops: what is not being read is given back.
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
    std::deque<Number> claimed_;  // of windows_: not begun
    int reading_ = 0;             // of windows_: nothing is known of the last page yet
    std::deque<GiveBack> give_back_;
    int giving_back_ = 0;
    Milliseconds renew_at_{};
    bool renewing_ = false;

    bool claiming_ = false;
    bool ahead_failed_ = false;  // nothing is claimed ahead until somebody needs it
    int claim_size_ = 0;
    std::optional<Milliseconds> claimed_at_;

    // Since a claim found nothing.
    bool exhausted_ = false;
    bool inspecting_ = false;
    bool inspected_ = false;
    bool freeing_ = false;
    std::optional<Milliseconds> retry_at_;  // set once the dead are freed
    bool nobody_reads_ = false;             // the inspection before that claim said so as well
    bool over_ = false;
    bool stopped_ = false;
};

/// How the backfill ends: `so_far` is the graver outcome of listing and details, `after` the progress at the
/// end.
Outcome conclude(Outcome so_far, const BackfillProgress& after, bool stopped);

}  // namespace glia
