// When a backfill of legs, transcripts or recordings goes on, and how it ends.
#include "daemon/sync/queue_backfill_plan.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

DrainResult drained(std::int64_t fetched, std::int64_t failed = 0, std::int64_t rejected = 0) {
    return {{}, fetched, failed, rejected};
}

TEST(QueueBackfillPlan, DrainsUntilNothingIsDue) {
    EXPECT_EQ(step_after(drained(5), 0, false), NextStep::drain);
    EXPECT_EQ(step_after(drained(5, 1), 3, false), NextStep::drain);
    EXPECT_EQ(step_after(drained(0), 0, false), NextStep::end);
}
TEST(QueueBackfillPlan, WaitsForWhatOthersHaveClaimed) {
    EXPECT_EQ(step_after(drained(0), 3, false), NextStep::wait);
}
TEST(QueueBackfillPlan, EndsWhenADrainOnlyFails) {
    EXPECT_EQ(step_after(drained(0, 2), 3, false), NextStep::end);
}
TEST(QueueBackfillPlan, EndsWithAFailureAndWhenItIsStopped) {
    DrainResult failed = drained(5);
    failed.outcome = {ExitReason::unavailable, "down"};
    EXPECT_EQ(step_after(failed, 3, false), NextStep::end);
    EXPECT_EQ(step_after(drained(5), 3, true), NextStep::end);
}
TEST(QueueBackfillPlan, IsDoneWhenNothingIsLeftButRejectedRecords) {
    EXPECT_EQ(conclude(drained(5), 0, "legs", false).reason, ExitReason::done);
    EXPECT_EQ(conclude(drained(5, 2, 2), 2, "legs", false).reason, ExitReason::done);
    const ExitStatus left = conclude(drained(5, 3, 2), 3, "legs", false);
    EXPECT_EQ(left.reason, ExitReason::unavailable);
    EXPECT_EQ(left.error, "1 legs of the range are not fetched yet");
}
TEST(QueueBackfillPlan, KeepsTheGraverReason) {
    EXPECT_EQ(conclude(drained(5), 0, "legs", true).reason, ExitReason::stopped);
    DrainResult failed = drained(5);
    failed.outcome = {ExitReason::credentials, "refused"};
    EXPECT_EQ(conclude(failed, 3, "legs", true).error, "refused");
}

}  // namespace
}  // namespace glia
