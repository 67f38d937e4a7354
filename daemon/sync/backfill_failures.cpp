#include "daemon/sync/backfill_failures.hpp"

#include <algorithm>

namespace glia {

std::string BackfillFailures::on_window(const WindowLease& lease, const PassResult& pass) {
    rejected_ += pass.counts.rejected;
    if (pass.complete) {
        failures_in_a_row_ = 0;
        return "";
    }
    if (pass.outcome.reason == ExitReason::stopped) return "";
    if (pass.site_refused) {
        if (!refused(lease.target.site_id)) refused_sites_.push_back(lease.target.site_id);
        outcome_.merge(pass.outcome);
        return "";
    }
    if (++failures_in_a_row_ >= kFailuresUntilDown) down_ = true;
    // After a failed first attempt, the window is tried once more later.
    const bool last_attempt = lease.attempts > 0;
    if (last_attempt || down_) outcome_.merge(pass.outcome);
    return pass.outcome.error;
}

void BackfillFailures::on_sink_failure(const ExitStatus& outcome) {
    down_ = true;
    outcome_.merge(outcome);
}

bool BackfillFailures::refused(const std::string& site) const {
    return std::find(refused_sites_.begin(), refused_sites_.end(), site) != refused_sites_.end();
}

}  // namespace glia
