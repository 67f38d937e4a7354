// Each invariant that protects data is checked, and its violation is not taken for a failure of the sink.
#include "sinks/invariant.hpp"

#include <gtest/gtest.h>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/sink_pool.hpp"
#include "daemon/sync/site_poll.hpp"
#include "sinks/commit_invariants.hpp"
#include "sinks/engagement_plan.hpp"

namespace glia {
namespace {

const Instant kNoon = Instant{} + std::chrono::hours{500'000};

PassCheckpoint part_of(PassTarget target) {
    PassCheckpoint checkpoint;
    checkpoint.target = std::move(target);
    return checkpoint;
}

PassCheckpoint complete(PassTarget target) {
    PassCheckpoint checkpoint = part_of(std::move(target));
    checkpoint.complete = true;
    return checkpoint;
}

std::string broken(const std::function<void()>& work) {
    try {
        work();
    } catch (const InvariantBroken& error) {
        return error.what();
    }
    return "none";
}

TEST(Invariant, SaysWhatIsBrokenAndWhereWithoutAPath) {
    EXPECT_EQ(broken([] { check_invariant(true, "it holds"); }), "none");
    const std::string line = broken([] { check_invariant(false, "it holds"); });
    EXPECT_EQ(line.substr(0, line.rfind(':')), "broken invariant: it holds (invariant_test.cpp");
}
TEST(Invariant, ACheckpointNeedsAnEpoch) {
    for (const PassTarget& target : {PassTarget{SiteTarget{"s"}}, PassTarget{TierTarget{"s", 0, {}}},
                                     PassTarget{WindowTarget{1, "s", kNoon}}})
        EXPECT_THROW(check_checkpoint(part_of(target)), InvariantBroken);
    EXPECT_EQ(broken([] { check_checkpoint(part_of(SiteTarget{"s", 1})); }), "none");
}
TEST(Invariant, ACompletedIncrementalPassHasAWatermarkAndNoOtherHas) {
    PassCheckpoint checkpoint = complete(SiteTarget{"s", 1});
    EXPECT_THROW(check_checkpoint(checkpoint), InvariantBroken);
    checkpoint.watermark = kNoon;
    EXPECT_EQ(broken([&] { check_checkpoint(checkpoint); }), "none");
    checkpoint.complete = false;
    EXPECT_THROW(check_checkpoint(checkpoint), InvariantBroken);
    checkpoint = complete(TierTarget{"s", 1, {}});
    EXPECT_EQ(broken([&] { check_checkpoint(checkpoint); }), "none");
    checkpoint.watermark = kNoon;
    EXPECT_THROW(check_checkpoint(checkpoint), InvariantBroken);
}
TEST(Invariant, OnlyACompletedIncrementalPassGivesItsLeaseBack) {
    PassCheckpoint checkpoint = part_of(SiteTarget{"s", 1});
    checkpoint.release = SiteRelease{};
    EXPECT_THROW(check_checkpoint(checkpoint), InvariantBroken);
}
TEST(Invariant, LegsHaveTheirHashAndTheirTimeTogether) {
    StoredState stored;
    stored.legs_fetched_at = kNoon;  // the legs were read, and there were none
    EXPECT_EQ(broken([&] { check_stored_state(stored); }), "none");
    stored.legs_hash.emplace();
    EXPECT_EQ(broken([&] { check_stored_state(stored); }), "none");
    stored.legs_fetched_at.reset();
    EXPECT_THROW(check_stored_state(stored), InvariantBroken);
}
TEST(Invariant, AMergeIsNotPlannedFromLegsOfWhichNobodyKnowsWhenTheyWereRead) {
    StoredState stored;
    stored.legs_hash.emplace();
    EXPECT_THROW(plan_merge(stored, IncomingState{}), InvariantBroken);
}
TEST(Invariant, WhatSomebodyChangedInTheTablesIsDataAndLegsAreReadAgain) {
    std::optional<StoredState> stored(std::in_place);
    Engagement engagement;
    engagement.id = std::string("e");
    engagement.legs.emplace();
    FetchedEngagement fetched;
    fetched.engagement = engagement;
    const IncomingState incoming = incoming_state(fetched, std::chrono::steady_clock::now());
    stored->legs_hash = incoming.legs_hash;  // but somebody has set legs_fetched_at to NULL
    EXPECT_TRUE(plan_engagement(stored, engagement, incoming).write_legs);
}
TEST(Invariant, APassMakesNoCheckpointWithoutALease) {
    EXPECT_THROW(Pass(SiteTarget{"s"}, OpenPass{}).checkpoint(), InvariantBroken);
    EXPECT_THROW(SitePoll(SiteLease(), SyncSettings{}), InvariantBroken);
}
TEST(Invariant, ARecordWithoutAnIdGoesIntoNoBatch) {
    Batch batch;
    EXPECT_THROW(add_to_batch(batch, Engagement{}, RecordSource::list, AskedAt{kNoon}, "s", SyncSettings{}),
                 InvariantBroken);
    EXPECT_TRUE(batch.empty());
}
TEST(Invariant, ABrokenOneIsNoFailureOfTheSinkAndEndsTheProgram) {
    Runtime runtime;
    Metrics metrics;
    CancellationScope scope(runtime);
    int calls = 0;
    SinkPool sink_pool(
        scope, []() -> std::unique_ptr<Sink> { throw InvariantBroken("it holds", "invariant_test.cpp", 1); },
        1, 3, metrics);
    const auto main = [&]() -> Task<int> {
        const std::function<void(Sink&)> work = [](Sink&) {};
        ++calls;
        try {
            co_await sink_pool.run(work);
        } catch (const SinkError&) {  // what every caller handles
            co_return 1;
        }
        co_return 0;
    };
    EXPECT_THROW(runtime.run(main, std::chrono::seconds{1}), InvariantBroken);
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace glia
