#include "daemon/sync/enricher_schedule.hpp"

#include <utility>

#include "daemon/sync/schedule.hpp"

namespace glia {

EnricherSchedule::Step EnricherSchedule::next(Milliseconds now) {
    if (at_ == At::drain) return Drain{};
    if (!began_) began_ = now;
    if (at_ == At::record) return RecordEnqueued{std::chrono::duration_cast<Seconds>(now - *began_)};
    return EnqueueMissed{after_, after_ ? kBetweenParts : Milliseconds{0}};
}

void EnricherSchedule::on_enqueued(std::optional<MissedCursor> cursor) {
    after_ = std::move(cursor);
    if (!after_) at_ = At::record;
}

Milliseconds EnricherSchedule::on_drained(const ExitStatus& outcome, double random) {
    if (at_ != At::drain) {
        // Enqueues again from the start: engagements committed in the meantime may sort before the cursor.
        at_ = At::enqueue;
        after_.reset();
        began_.reset();
    }
    if (outcome.reason <= ExitReason::stopped) {
        failures_ = 0;
        return kPause;
    }
    ++failures_;
    return next_poll(sync_, failures_, random);
}

}  // namespace glia
