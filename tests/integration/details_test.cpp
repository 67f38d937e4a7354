// Legs that are still to be fetched: what is queued, claimed, completed and parked.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Details : public SinkTest {};

TEST_F(Details, NewListItemsAreQueuedForTheirLegsAndDetailsCompleteThem) {
    EXPECT_EQ(commit({listed(engagement("e1"))}).queued, 1);
    const auto jobs = sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}});
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}}).empty());
    Batch batch;
    batch.engagements = {detailed(engagement("e1"), kNoon + Seconds{1})};
    batch.details = {{{"e1"}, kNoon + Seconds{1}, "", {}, false, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT count(*) FROM detail_queue"), "0");
}

TEST_F(Details, ADetailOlderThanTheListItemThatAsksDoesNotCompleteIt) {
    commit({listed(engagement("e1"), kNoon + Seconds{30})});
    Batch batch;
    batch.details = {{{"e1"}, kNoon, "", {}, false, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT count(*), bool_and(claimed_by IS NULL) FROM detail_queue"), "1|t");
}

TEST_F(Details, ADetailWhoseClaimHasPassedIsNotWrittenAndTheOthersAre) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    ASSERT_EQ(sink->work_queue().claim({WorkKind::detail, "you", 1, Seconds{60}}).size(), 1u);
    const std::string yours = sql("SELECT engagement_id FROM detail_queue WHERE claimed_by = 'you'");
    Batch batch;
    batch.claimed_by = "me";
    for (const char* id : {"e1", "e2"}) {
        batch.engagements.push_back(detailed(engagement(id), kNoon + Seconds{1}));
        batch.details.push_back({{id}, kNoon + Seconds{1}, "", {}, false, true});
    }
    EXPECT_EQ(sink->commit(batch, std::nullopt).legs, 1);
    EXPECT_EQ(sql("SELECT engagement_id, claimed_by FROM detail_queue"), yours + "|you");
    EXPECT_EQ(sql("SELECT count(DISTINCT engagement_id), bool_or(engagement_id = '" + yours + "') FROM legs"),
              "1|f");
}

TEST_F(Details, AFailureIsNotNotedByAnInstanceWhoseClaimHasPassed) {
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}});
    Batch batch;
    batch.claimed_by = "me";
    batch.details = {{{"e1"}, std::nullopt, "HTTP 404", Seconds{3600}, true, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT attempts, parked, claimed_by FROM detail_queue"), "0|f|you");
}

TEST_F(Details, ClaimsAreRenewedByTheirInstanceOnly) {
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    sink->work_queue().renew(WorkKind::detail, "you", {{"e1"}}, Seconds{600});
    EXPECT_EQ(sql("SELECT claimed_until <= now() FROM detail_queue"), "t");
    sink->work_queue().renew(WorkKind::detail, "me", {{"e1"}}, Seconds{600});
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}}).empty());
}

TEST_F(Details, AFailedDetailWaitsAndIsParked) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.details = {{{"e1"}, std::nullopt, "HTTP 404", Seconds{3600}, true, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT attempts, parked, last_error, next_attempt_at > now() + interval '59 minutes' FROM "
                  "detail_queue"),
              "1|t|HTTP 404|t");
    EXPECT_EQ(sink->reports().status().details_parked, 1);
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).empty());
}

TEST_F(Details, TheNewestDetailsAreClaimedFirst) {
    Engagement late = engagement("e2");
    late.created_at = kNoon + Seconds{60};
    commit({listed(engagement("e1")), listed(late)});
    EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 1, Seconds{60}}).at(0).engagement_id, "e2");
}

TEST_F(Details, OngoingEngagementsComeBackUntilTheyHaveEnded) {
    Engagement open = engagement("e1");
    open.legs = {leg("l1")};
    open.legs->at(0).ended_at.reset();
    FetchedEngagement fetched = detailed(open);
    fetched.refetch_in = Seconds{0};
    commit({fetched});
    EXPECT_EQ(sink->work_queue().enqueue_ongoing(false), 1);
    commit({detailed(engagement("e1"), kNoon + Seconds{60})});
    EXPECT_EQ(sql("SELECT count(*) FROM ongoing_engagements"), "0");
}

}  // namespace
}  // namespace glia
