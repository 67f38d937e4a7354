#include "daemon/sync/queue_backfill_plan.hpp"

namespace glia {

NextStep step_after(const DrainResult& drain, std::int64_t due, bool stopped) {
    if (stopped || drain.outcome.reason != ExitReason::done) return NextStep::end;
    if (drain.fetched > 0) return NextStep::drain;
    if (drain.failed > 0 || due == 0) return NextStep::end;
    return NextStep::wait;
}

ExitStatus conclude(const DrainResult& drained, std::int64_t left, const std::string& what, bool stopped) {
    ExitStatus outcome = drained.outcome;
    if (stopped) outcome.merge({ExitReason::stopped, "stopped"});
    if (outcome.reason == ExitReason::done && left > drained.rejected) {
        outcome = {ExitReason::unavailable, std::to_string(left - drained.rejected) + " " + what +
                                                " of the range are not fetched yet"};
    }
    return outcome;
}

}  // namespace glia
