#include "daemon/sync/site_visit.hpp"

#include <utility>

namespace glia {

SiteVisit::SiteVisit(SiteLease lease, const SyncSettings& sync) : lease_(std::move(lease)), sync_(sync) {}

std::optional<SiteVisit::Read> SiteVisit::next(Instant server_now) {
    if (at_ == At::incremental) {
        return Read{Pass(SiteTarget{lease_.site_id, lease_.epoch}, incremental_pass(lease_, sync_)),
                    "incremental"};
    }
    if (at_ == At::revisit) {
        if (const auto due = due_tier(lease_.tiers, sync_)) {
            OpenPass window;
            window.from = server_now - due->back;
            return Read{Pass(TierTarget{lease_.site_id, lease_.epoch, due->covers}, window), "revisit"};
        }
        at_ = At::over;
    }
    return std::nullopt;
}

void SiteVisit::on_result(const PassResult& result) {
    outcome_.merge(result.outcome);
    rejected_ += result.counts.rejected;
    // A revisit comes only once the site is read: what is new goes before what may have changed.
    at_ = at_ == At::incremental && result.complete ? At::revisit : At::over;
}

void SiteVisit::on_failure(const Outcome& outcome) {
    outcome_.merge(outcome);
    at_ = At::over;
}

SiteRelease SiteVisit::release(double random) const {
    SiteRelease release;
    if (outcome_.ending == Ending::stopped) return release;  // whoever comes next goes on at once
    const bool failed = outcome_.ending > Ending::stopped;
    release.next_poll_in = next_poll(sync_, failed ? lease_.failures + 1 : 0, random);
    if (failed) release.error = outcome_.error;
    return release;
}

}  // namespace glia
