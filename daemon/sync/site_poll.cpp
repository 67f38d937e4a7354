#include "daemon/sync/site_poll.hpp"

#include <algorithm>
#include <utility>

#include "sinks/invariant.hpp"

namespace glia {
namespace {

/// The latest valid time of a watermark. Uses the later clock: a machine that boots with a clock of 1970 must
/// not read the whole history again.
Instant latest_now(Instant server_now, Instant machine_now) {
    return std::max(server_now, machine_now) + kClockTolerance;
}

}  // namespace

SitePoll::SitePoll(SiteLease lease, const SyncSettings& sync) : lease_(std::move(lease)), sync_(sync) {
    check_invariant(lease_.epoch > 0, "a lease has a positive epoch");
}

std::optional<SitePoll::Read> SitePoll::next(Instant server_now, Instant machine_now, double random) {
    if (at_ == At::incremental) {
        // Most polls need no revisit: the pass's last commit then releases the lease, which saves a
        // transaction.
        if (!due_tier(lease_.tiers, sync_)) with_last_commit_ = SiteRelease{next_poll(sync_, 0, random), ""};
        const Instant latest = latest_now(server_now, machine_now);
        return Read{Pass(lease_.target(), incremental_pass(lease_, sync_, latest), with_last_commit_),
                    "incremental"};
    }
    if (at_ == At::revisit) {
        if (const auto due = due_tier(lease_.tiers, sync_)) {
            OpenPass window;
            window.from = server_now - due->back;
            return Read{Pass(TierTarget{lease_.site_id, lease_.epoch, due->covers, lease_.stream}, window),
                        "revisit"};
        }
        at_ = At::over;
    }
    return std::nullopt;
}

void SitePoll::on_result(const PassResult& result) {
    if (result.outcome.reason > ExitReason::stopped && !failed_) {
        failed_ = result.reached;
        failed_->mode = at_ == At::incremental ? "incremental" : "revisit";
    }
    outcome_.merge(result.outcome);
    rejected_ += result.counts.rejected;
    // A revisit runs only after a complete incremental pass: new engagements take precedence over changed
    // ones.
    const bool site_is_read = at_ == At::incremental && result.complete;
    if (!site_is_read) with_last_commit_.reset();
    at_ = site_is_read && !with_last_commit_ ? At::revisit : At::over;
}

bool SitePoll::watermark_ahead(Instant server_now, Instant machine_now) const {
    return lease_.synced_through && *lease_.synced_through > latest_now(server_now, machine_now);
}

SiteRelease SitePoll::release(double random) const {
    if (given_back()) return *with_last_commit_;
    SiteRelease release;
    if (outcome_.reason == ExitReason::stopped) return release;  // stays due: the next instance continues
    const bool failed = outcome_.reason > ExitReason::stopped;
    release.next_poll_in = next_poll(sync_, failed ? lease_.failures + 1 : 0, random);
    if (failed) {
        release.error = outcome_.error;
        release.failed = failed_;
    }
    return release;
}

}  // namespace glia
