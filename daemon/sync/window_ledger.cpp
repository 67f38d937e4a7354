#include "daemon/sync/window_ledger.hpp"

#include <algorithm>

namespace glia {

std::string WindowLedger::on_window(const WindowLease& lease, const PassResult& pass) {
    rejected_ += pass.counts.rejected;
    if (pass.complete) {
        failures_in_a_row_ = 0;
        return "";
    }
    if (pass.outcome.ending == Ending::stopped) return "";
    if (pass.site_refused) {
        const std::string& site = lease.target.site_id;
        if (std::find(refused_sites_.begin(), refused_sites_.end(), site) == refused_sites_.end()) {
            refused_sites_.push_back(site);
        }
        outcome_.merge(pass.outcome);
        return "";
    }
    if (++failures_in_a_row_ >= kFailuresUntilDown) down_ = true;
    // The first attempt at a window has a second one at another moment.
    const bool last_attempt = lease.attempts > 0;
    if (last_attempt || down_) outcome_.merge(pass.outcome);
    return pass.outcome.error;
}

void WindowLedger::on_failure(const Outcome& outcome) {
    down_ = true;
    outcome_.merge(outcome);
}

}  // namespace glia
