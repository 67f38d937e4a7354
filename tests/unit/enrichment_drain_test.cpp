// EnrichmentDrain: what an enricher fetches next, and when it gives up.
#include "daemon/sync/enrichment_drain.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

EnrichmentJob job(const std::string& id) {
    return {id, "", 0};
}
EnrichmentFetched unanswered(const std::string& id) {
    return failed_fetch(Enricher::transcript, job(id), {ApiError::Kind::unavailable, 503, "away"});
}
EnrichmentFetched fetched(const std::string& id) {
    EnrichmentFetched fetched;
    fetched.outcome.job = job(id);
    fetched.outcome.fetched_at = Instant{};
    return fetched;
}

TEST(EnrichmentDrainTest, ClaimsOnceNothingIsLeftAndEndsWhenTheQueueIsEmpty) {
    EnrichmentDrain drain;
    EXPECT_TRUE(drain.wants_claim());
    drain.on_claimed({job("e1")});
    EXPECT_FALSE(drain.wants_claim());
    EXPECT_EQ(drain.take()->engagement_id, "e1");
    EXPECT_TRUE(drain.wants_claim());
    drain.on_claimed({});
    EXPECT_FALSE(drain.wants_claim());
    EXPECT_FALSE(drain.take());
}
TEST(EnrichmentDrainTest, ClaimsAreHeldUntilTheyAreSettled) {
    EnrichmentDrain drain;
    drain.on_claimed({job("e1"), job("e2")});
    drain.take();
    drain.on_fetched(fetched("e1"));
    EXPECT_EQ(drain.held().size(), 2u);
    drain.on_settled(fetched("e1").outcome, Settled::written);
    ASSERT_EQ(drain.held().size(), 1u);
    EXPECT_EQ(drain.held().front().engagement_id, "e2");
    EXPECT_EQ(drain.result().fetched, 1);
}
TEST(EnrichmentDrainTest, WhatIsLostOrErasedMeanwhileDoesNotCount) {
    EnrichmentDrain drain;
    drain.on_settled(fetched("e1").outcome, Settled::lost);
    drain.on_settled(fetched("e2").outcome, Settled::erased);
    EXPECT_EQ(drain.result().fetched, 0);
    EXPECT_EQ(drain.result().failed, 0);
}
TEST(EnrichmentDrainTest, FetchesInARowWithoutAnAnswerEndTheRound) {
    EnrichmentDrain drain;
    for (int i = 1; i < EnrichmentDrain::kUnansweredUntilDown; ++i) drain.on_fetched(unanswered("e"));
    drain.on_fetched(fetched("e"));
    for (int i = 1; i < EnrichmentDrain::kUnansweredUntilDown; ++i) drain.on_fetched(unanswered("e"));
    EXPECT_FALSE(drain.given_up());
    drain.on_fetched(unanswered("e"));
    EXPECT_TRUE(drain.given_up());
    EXPECT_FALSE(drain.wants_claim());
    EXPECT_EQ(drain.result().outcome.ending, Ending::unavailable);
    EXPECT_EQ(drain.result().outcome.error, "away");
}
TEST(EnrichmentDrainTest, ARefusedTokenEndsTheRoundAndCountsNoAttempt) {
    EnrichmentDrain drain;
    const auto refused =
        failed_fetch(Enricher::transcript, job("e1"), {ApiError::Kind::credentials, 401, "token"});
    EXPECT_FALSE(refused.outcome.attempted);
    drain.on_fetched(refused);
    drain.on_settled(refused.outcome, Settled::written);
    EXPECT_TRUE(drain.given_up());
    EXPECT_EQ(drain.result().failed, 0);
    EXPECT_EQ(drain.result().outcome.ending, Ending::credentials);
}
TEST(EnrichmentDrainTest, A404IsAboutTheEngagementAndIsTriedAgainLater) {
    EnrichmentDrain drain;
    const auto missing = failed_fetch(Enricher::recording, job("e1"), {ApiError::Kind::not_found, 404, "no"});
    EXPECT_TRUE(missing.outcome.attempted);
    EXPECT_GT(missing.outcome.retry_in, Seconds{0});
    drain.on_fetched(missing);
    drain.on_settled(missing.outcome, Settled::written);
    EXPECT_FALSE(drain.given_up());
    EXPECT_EQ(drain.result().failed, 1);
}
TEST(EnrichmentDrainTest, WhatWasNotBegunGoesBackUntouched) {
    EnrichmentDrain drain;
    drain.on_claimed({job("e1"), job("e2")});
    drain.take();
    const auto untouched = drain.hand_back(Enricher::recording);
    ASSERT_EQ(untouched.size(), 1u);
    EXPECT_EQ(untouched[0].job.engagement_id, "e2");
    EXPECT_FALSE(untouched[0].attempted);
    EXPECT_FALSE(untouched[0].fetched_at);
    EXPECT_FALSE(drain.take());
}

}  // namespace
}  // namespace glia
