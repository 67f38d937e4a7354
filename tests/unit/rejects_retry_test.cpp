// RejectsRetry: which failures end `rejects retry`, and which concern one record or one source.
#include "daemon/sync/rejects_retry.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

constexpr auto kWait = StatisticsSource::queue_wait;
const ExitStatus kBroken{ExitReason::unavailable, "HTTP 500"};

TEST(RejectsRetry, ARecordThatFailsDoesNotEndTheRun) {
    RejectsRetry retry;
    for (int i = 0; i < 10; ++i) retry.on_error({ApiError::Kind::unavailable, 500, "HTTP 500"});
    for (int i = 0; i < 10; ++i) retry.on_error({ApiError::Kind::unavailable, 200, "no JSON"});
    EXPECT_EQ(retry.outcome().reason, ExitReason::unavailable);
    retry.on_error({ApiError::Kind::forbidden, 403, "HTTP 403"});
    EXPECT_FALSE(retry.is_over());
    EXPECT_EQ(retry.outcome().error, "HTTP 403");
}

TEST(RejectsRetry, AnEngagementThatTheApiDoesNotHaveIsNoFailure) {
    RejectsRetry retry;
    retry.on_error({ApiError::Kind::not_found, 404, "HTTP 404"});
    retry.on_error({ApiError::Kind::refused, 400, "HTTP 400"});
    EXPECT_EQ(retry.outcome().reason, ExitReason::done);
}

TEST(RejectsRetry, TheRunEndsIfTheApiIsDown) {
    const ApiError down{ApiError::Kind::unavailable, 0, "no connection"};
    RejectsRetry retry;
    for (int i = 1; i < WorkDrain::kFailuresUntilDown; ++i) retry.on_error(down);
    EXPECT_FALSE(retry.is_over());
    retry.on_response();
    for (int i = 1; i < WorkDrain::kFailuresUntilDown; ++i) retry.on_error(down);
    EXPECT_FALSE(retry.is_over());
    retry.on_error(down);
    EXPECT_TRUE(retry.is_over());
}

TEST(RejectsRetry, TheRunEndsIfTheTokenIsRefusedOrTheProgramStops) {
    for (const auto kind : {ApiError::Kind::credentials, ApiError::Kind::cancelled}) {
        RejectsRetry retry;
        retry.on_error({kind, 0, "ends"});
        EXPECT_TRUE(retry.is_over());
    }
    RejectsRetry retry;
    retry.on_interval("s1", kWait, {ExitReason::credentials, "HTTP 401"});
    EXPECT_TRUE(retry.is_over());
}

TEST(RejectsRetry, AnIntervalThatFailsLeavesOutItsSourceOnly) {
    RejectsRetry retry;
    retry.on_interval("s1", kWait, kBroken);
    ASSERT_TRUE(retry.failure_of("s1", kWait));
    EXPECT_EQ(*retry.failure_of("s1", kWait), "HTTP 500");
    EXPECT_FALSE(retry.failure_of("s1", StatisticsSource::handle));
    EXPECT_FALSE(retry.failure_of("s2", kWait));
    retry.on_interval("s2", kWait, {ExitReason::rejected, "HTTP 403"});
    EXPECT_FALSE(retry.failure_of("s2", kWait));
    EXPECT_FALSE(retry.is_over());
    EXPECT_EQ(retry.outcome().reason, ExitReason::unavailable);
}

TEST(RejectsRetry, NoFurtherIntervalIsRequestedAfterSeveralSourcesFailed) {
    RejectsRetry retry;
    for (int site = 0; site < WorkDrain::kFailuresUntilDown; ++site) {
        EXPECT_FALSE(retry.failure_of(std::to_string(site), kWait));
        retry.on_interval(std::to_string(site), kWait, kBroken);
    }
    EXPECT_TRUE(retry.failure_of("another", kWait));
    EXPECT_FALSE(retry.is_over());  // engagements are tried
}

}  // namespace
}  // namespace glia
