// EnricherSchedule: what a round begins with, and how long an enricher rests.
#include "daemon/sync/enricher_schedule.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

using namespace std::chrono_literals;

TEST(EnricherSchedule, TheFirstEnqueuesAllThatWasMissed) {
    EnricherSchedule schedule(SyncSettings{});
    using Schedule = EnricherSchedule;
    const auto first = std::get<Schedule::EnqueueMissed>(schedule.next(1000ms));
    EXPECT_FALSE(first.after);
    EXPECT_EQ(first.delay, 0ms);
    schedule.on_enqueued(MissedCursor{"noon", "e7"});
    const auto second = std::get<Schedule::EnqueueMissed>(schedule.next(2000ms));
    EXPECT_EQ(second.after->engagement_id, "e7");
    EXPECT_GT(second.delay, 0ms);
    schedule.on_enqueued(std::nullopt);
    EXPECT_EQ(std::get<Schedule::RecordEnqueued>(schedule.next(9000ms)).ago, 8s);
    schedule.on_recorded();
    EXPECT_TRUE(std::holds_alternative<Schedule::Drain>(schedule.next(9000ms)));
    schedule.on_drained({ExitReason::unavailable, "away"}, 0);
    EXPECT_TRUE(std::holds_alternative<Schedule::Drain>(schedule.next(9000ms)))
        << "an enqueued round is recorded once";
}
TEST(EnricherSchedule, WhatWasMissedIsEnqueuedFromItsStartAfterAFailure) {
    EnricherSchedule schedule(SyncSettings{});
    using Schedule = EnricherSchedule;
    schedule.next(1000ms);
    schedule.on_enqueued(MissedCursor{"noon", "e7"});
    schedule.on_drained({ExitReason::unavailable, "away"}, 0);
    EXPECT_FALSE(std::get<Schedule::EnqueueMissed>(schedule.next(60'000ms)).after);
    schedule.on_enqueued(std::nullopt);
    schedule.on_drained({ExitReason::unavailable, "away"}, 0);
    EXPECT_TRUE(std::holds_alternative<Schedule::EnqueueMissed>(schedule.next(90'000ms)));
    schedule.on_enqueued(std::nullopt);
    EXPECT_EQ(std::get<Schedule::RecordEnqueued>(schedule.next(91'000ms)).ago, 1s);
}
TEST(EnricherSchedule, RestLongerAfterFailures) {
    SyncSettings sync;
    sync.poll_every = 60s;
    EnricherSchedule schedule(sync);
    EXPECT_EQ(schedule.on_drained({}, 0), EnricherSchedule::kPause);
    EXPECT_EQ(schedule.on_drained({ExitReason::credentials, "401"}, 0), 120s);
    EXPECT_EQ(schedule.on_drained({ExitReason::unavailable, "503"}, 0), 240s);
    EXPECT_EQ(schedule.on_drained({ExitReason::unavailable, "503"}, 0), 300s);
    EXPECT_EQ(schedule.on_drained({ExitReason::stopped, "stopped"}, 0), EnricherSchedule::kPause);
    EXPECT_EQ(schedule.on_drained({ExitReason::unavailable, "503"}, 0), 120s) << "from the start again";
}

}  // namespace
}  // namespace glia
