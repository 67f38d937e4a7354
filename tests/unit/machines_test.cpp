// How a pass is worked off, how the detail queue is drained, what a site's visit consists of.
#include <gtest/gtest.h>

#include "daemon/sync/detail_drain.hpp"
#include "daemon/sync/site_poll.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

const Instant kNoon = *parse_timestamp("2024-01-01T12:00:00Z");

SyncSettings sync_settings() {
    SyncSettings sync;
    sync.start_from = kNoon - 24h;
    sync.revisit = {{15min, 24h}};
    return sync;
}
FetchedPage page(int engagements, OptionalText next, int rejected = 0) {
    FetchedPage fetched;
    fetched.fetched_at = kNoon;
    fetched.not_before = kNoon - 1s;
    fetched.page.next_page = std::move(next);
    for (int i = 0; i < engagements; ++i)
        fetched.page.engagements.emplace_back().id = "e" + std::to_string(i);
    for (int i = 0; i < rejected; ++i) fetched.page.rejected.push_back({"r", "{}", "why"});
    return fetched;
}
PassPipeline pass_pipeline(std::size_t batch = 3) {
    OpenPass window;
    window.from = kNoon - 24h;
    return PassPipeline(Pass(SiteTarget{"s", 1}, window), "s", sync_settings(), batch);
}
template <typename Step>
bool is(const PassPipeline::Step& step) {
    return std::holds_alternative<Step>(step);
}
PassPipeline::Commit commit_of(const PassPipeline::Step& step) {
    return std::get<PassPipeline::Commit>(step);
}

TEST(PassPipelineTest, PagesAreGatheredIntoABatchBeforeTheyAreCommitted) {
    PassPipeline run = pass_pipeline();
    EXPECT_TRUE(is<PassPipeline::Fetch>(run.next()));
    run.on_page(page(2, "l1"));
    EXPECT_TRUE(is<PassPipeline::Fetch>(run.next()));
    run.on_page(page(2, "l2"));
    const PassPipeline::Step step = run.next();
    ASSERT_TRUE(is<PassPipeline::Commit>(step));
    EXPECT_EQ(commit_of(step).batch->engagements.size(), 4u);
    EXPECT_EQ(commit_of(step).checkpoint.pass.next_page, "l2");
}
TEST(PassPipelineTest, TheNextPageIsFetchedWhileABatchIsCommittedAndOnlyOneIs) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(3, "l1"));
    EXPECT_TRUE(is<PassPipeline::Commit>(run.next()));
    EXPECT_TRUE(is<PassPipeline::Fetch>(run.next()));
    run.on_page(page(3, "l2"));
    EXPECT_TRUE(is<PassPipeline::Await>(run.next()));
    run.on_committed({});
    EXPECT_TRUE(is<PassPipeline::Commit>(run.next()));
}
TEST(PassPipelineTest, TheLastPageIsCommittedWithTheWatermarkOfTheStart) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(1, std::nullopt));
    const PassPipeline::Step step = run.next();
    ASSERT_TRUE(is<PassPipeline::Commit>(step));
    EXPECT_EQ(commit_of(step).checkpoint.watermark, kNoon - 1s);
    EXPECT_TRUE(is<PassPipeline::Await>(run.next()));
    run.on_committed({});
    EXPECT_TRUE(is<PassPipeline::End>(run.next()));
    EXPECT_TRUE(run.result().complete);
}
TEST(PassPipelineTest, WhatWasFetchedBeforeAFailureIsCommitted) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(2, "l1"));
    run.next();
    EXPECT_FALSE(run.on_error({ApiError::Kind::unavailable, 503, "away"}));
    const PassPipeline::Step step = run.next();
    ASSERT_TRUE(is<PassPipeline::Commit>(step));
    EXPECT_EQ(commit_of(step).checkpoint.pass.next_page, "l1");
    run.on_committed({});
    EXPECT_TRUE(is<PassPipeline::End>(run.next()));
    EXPECT_FALSE(run.result().complete);
    EXPECT_EQ(run.result().outcome.ending, Ending::unavailable);
}
TEST(PassPipelineTest, AfterACommitThatFailedNothingMoreIsAskedFor) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(3, "l1"));
    run.next();
    run.on_commit_failed({Ending::unavailable, "away"});
    EXPECT_TRUE(is<PassPipeline::End>(run.next()));
    EXPECT_FALSE(run.result().complete);
}
TEST(PassPipelineTest, AStopCommitsWhatIsThereAndKeepsTheLink) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(1, "l1"));
    run.stop();
    const PassPipeline::Step step = run.next();
    ASSERT_TRUE(is<PassPipeline::Commit>(step));
    EXPECT_EQ(commit_of(step).checkpoint.pass.next_page, "l1");
    run.on_committed({});
    run.next();
    EXPECT_EQ(run.result().outcome.ending, Ending::stopped);
}
TEST(PassPipelineTest, ACursorThatEndedIsReadAgainFromTheFirstPage) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(1, "l1"));
    run.next();
    EXPECT_TRUE(run.on_error({ApiError::Kind::not_found, 404, "cursor"}));
    const PassPipeline::Step step = run.next();
    EXPECT_TRUE(std::holds_alternative<AskFirst>(std::get<PassPipeline::Fetch>(step).ask));
}
TEST(PassPipelineTest, RejectedRecordsTravelWithTheirPage) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(0, std::nullopt, 2));
    EXPECT_EQ(commit_of(run.next()).batch->rejected.size(), 2u);
}
TEST(PassPipelineTest, A403IsAboutTheSiteAndA404OnlyOnItsFirstPage) {
    PassPipeline first = pass_pipeline();
    first.next();
    first.on_error({ApiError::Kind::not_found, 404, "no such site"});
    EXPECT_TRUE(first.result().site_refused);
    PassPipeline later = pass_pipeline();
    later.next();
    later.on_page(page(1, "l1"));
    later.next();
    later.on_error({ApiError::Kind::forbidden, 403, "no"});
    EXPECT_TRUE(later.result().site_refused);
}

DetailDrain drain_of(std::vector<DetailJob> jobs) {
    DetailDrain drain("me", sync_settings());
    drain.on_claimed(std::move(jobs));
    return drain;
}
FetchedDetail detail(const std::string& id) {
    FetchedDetail fetched;
    fetched.fetched_at = kNoon;
    fetched.detail.engagement.emplace();
    fetched.detail.engagement->id = id;
    fetched.detail.engagement->legs.emplace();
    return fetched;
}
const ApiError kDown{ApiError::Kind::unavailable, 503, "away"};

TEST(DetailDrainTest, ClaimsOnceNothingIsLeftAndEndsWhenTheQueueIsEmpty) {
    DetailDrain drain("me", sync_settings());
    EXPECT_TRUE(drain.wants_claim());
    drain.on_claimed({{"e1", 0}});
    EXPECT_FALSE(drain.wants_claim());
    EXPECT_EQ(drain.take()->engagement_id, "e1");
    EXPECT_TRUE(drain.wants_claim());
    drain.on_claimed({});
    EXPECT_FALSE(drain.wants_claim());
    drain.look_again();
    EXPECT_TRUE(drain.wants_claim());
}
TEST(DetailDrainTest, ALoadedDetailSettlesItsRowInTheSameBatch) {
    DetailDrain drain = drain_of({{"e1", 0}});
    drain.on_detail(*drain.take(), detail("e1"));
    const auto batch = drain.flush();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->claim_owner, "me");
    EXPECT_EQ(batch->engagements.size(), 1u);
    EXPECT_EQ(batch->details.at(0).fetched_at, kNoon);
    EXPECT_FALSE(drain.flush());
}
TEST(DetailDrainTest, ClaimsAreHeldUntilTheyAreHandedOver) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}});
    drain.on_detail(*drain.take(), detail("e1"));
    EXPECT_EQ(drain.held().size(), 2u);
    drain.flush();
    EXPECT_EQ(drain.held(), std::vector<std::string>{"e2"});
}
TEST(DetailDrainTest, ABatchIsFullByNumberOrByTime) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}});
    EXPECT_FALSE(drain.wants_flush(Milliseconds{0}));
    drain.on_detail(*drain.take(), detail("e1"));
    EXPECT_FALSE(drain.wants_flush(Milliseconds{5000}));
    EXPECT_FALSE(drain.wants_flush(Milliseconds{5000} + DetailDrain::kBatchTime - Milliseconds{1}));
    EXPECT_TRUE(drain.wants_flush(Milliseconds{5000} + DetailDrain::kBatchTime));
    drain.flush();
    std::vector<DetailJob> many;
    for (std::size_t i = 0; i < DetailDrain::kBatchDetails; ++i) many.push_back({"m" + std::to_string(i), 0});
    drain.on_claimed(std::move(many));
    for (std::size_t i = 0; i < DetailDrain::kBatchDetails; ++i) {
        EXPECT_FALSE(drain.wants_flush(Milliseconds{9000}));
        drain.on_detail(*drain.take(), detail("m" + std::to_string(i)));
    }
    EXPECT_TRUE(drain.wants_flush(Milliseconds{9000}));
}
TEST(DetailDrainTest, MoreIsClaimedWhileClaimsAreSoonUsedUp) {
    DetailDrain drain("me", sync_settings());
    EXPECT_EQ(drain.claim_size(Milliseconds{0}), DetailDrain::kFewestClaimed);
    EXPECT_EQ(drain.claim_size(Milliseconds{900}), 2 * DetailDrain::kFewestClaimed);
    for (int i = 1; i < 9; ++i) drain.claim_size(Milliseconds{1000 + i});
    EXPECT_EQ(drain.claim_size(Milliseconds{1500}), DetailDrain::kMostClaimed);
    EXPECT_EQ(drain.claim_size(Milliseconds{4000}), DetailDrain::kFewestClaimed);
}
TEST(DetailDrainTest, WhatWasNotAskedForGoesBackUntouched) {
    DetailDrain drain = drain_of({{"e1", 2}, {"e2", 0}});
    drain.take();
    drain.on_error({"e1", 2}, {ApiError::Kind::cancelled, 0, "stopped"});
    EXPECT_FALSE(drain.take());
    drain.hand_back();
    const auto batch = drain.flush();
    ASSERT_EQ(batch->details.size(), 2u);
    for (const DetailOutcome& outcome : batch->details) {
        EXPECT_FALSE(outcome.attempted);
        EXPECT_FALSE(outcome.fetched_at);
    }
}
TEST(DetailDrainTest, A404ParksTheEngagementAndTheOthersGoOn) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}});
    const auto verdict = drain.on_error(*drain.take(), {ApiError::Kind::not_found, 404, "no"});
    ASSERT_TRUE(verdict);
    EXPECT_TRUE(verdict->parked);
    EXPECT_TRUE(drain.take());
    EXPECT_EQ(drain.result().outcome.ending, Ending::done);
}
TEST(DetailDrainTest, AnApiThatIsDownEndsTheDrain) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}, {"e3", 0}, {"e4", 0}, {"e5", 0}});
    for (int i = 0; i < DetailDrain::kFailuresUntilDown; ++i) drain.on_error(*drain.take(), kDown);
    EXPECT_FALSE(drain.take());
    EXPECT_EQ(drain.result().outcome.ending, Ending::unavailable);
}
TEST(DetailDrainTest, OneThatNeverAnswersIsNoTroubleOfTheOthers) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}});
    drain.on_error(*drain.take(), {ApiError::Kind::unavailable, 0, "timed out"});
    drain.on_detail(*drain.take(), detail("e2"));
    drain.hand_back();
    EXPECT_EQ(drain.result().outcome.ending, Ending::done);
}
TEST(DetailDrainTest, IfNoneCameThroughTheApiIsDownHoweverFewThereWere) {
    DetailDrain drain = drain_of({{"e1", 0}});
    drain.on_error(*drain.take(), {ApiError::Kind::unavailable, 0, "timed out"});
    drain.hand_back();
    EXPECT_EQ(drain.result().outcome.ending, Ending::unavailable);
}
TEST(DetailDrainTest, A500IsAboutTheEngagement) {
    DetailDrain drain = drain_of({{"e1", 0}, {"e2", 0}, {"e3", 0}, {"e4", 0}, {"e5", 0}});
    for (int i = 0; i < DetailDrain::kFailuresUntilDown; ++i) {
        drain.on_error(*drain.take(), {ApiError::Kind::unavailable, 500, "odd"});
    }
    EXPECT_TRUE(drain.take());
}
TEST(DetailDrainTest, ARefusedTokenSaysNothingAboutTheEngagement) {
    DetailDrain drain = drain_of({{"e1", 0}});
    EXPECT_FALSE(drain.on_error(*drain.take(), {ApiError::Kind::credentials, 401, "token"}));
    EXPECT_FALSE(drain.flush()->details.at(0).attempted);
    EXPECT_EQ(drain.result().outcome.ending, Ending::credentials);
}
TEST(DetailDrainTest, ARejectedDetailStaysInTheQueue) {
    DetailDrain drain = drain_of({{"e1", 0}});
    FetchedDetail bad;
    bad.detail.rejected = RejectedRecord{std::nullopt, "{}", "created_at is missing"};
    EXPECT_TRUE(drain.on_detail(*drain.take(), std::move(bad)));
    const auto batch = drain.flush();
    EXPECT_EQ(batch->rejected.at(0).record.engagement_id, "e1");
    EXPECT_FALSE(batch->details.at(0).fetched_at);
}

SiteLease lease() {
    SiteLease lease;
    lease.site_id = "s";
    lease.epoch = 3;
    return lease;
}
PassResult complete() {
    PassResult result;
    result.complete = true;
    return result;
}

TEST(PassPipelineTest, TheWatermarkIsNeverMoreThanAMinuteAheadOfThisMachinesClock) {
    PassPipeline run = pass_pipeline();
    run.next();
    FetchedPage ahead = page(1, std::nullopt);
    ahead.not_before = kNoon + 24h;
    ahead.machine_time = kNoon;
    run.on_page(std::move(ahead));
    EXPECT_EQ(commit_of(run.next()).checkpoint.watermark, kNoon + 60s);
}
TEST(PassPipelineTest, AClockThatIsYearsAheadDoesNotHaveRetentionLeaveOutWhatIsNew) {
    SyncSettings sync = sync_settings();
    sync.retention = 24h * 30;
    Engagement engagement;
    engagement.id = "e";
    engagement.created_at = kNoon - 1h;
    Batch batch;
    add_to_batch(batch, engagement, RecordSource::list, {kNoon + 24h * 3650, kNoon}, "s", sync);
    EXPECT_EQ(batch.engagements.size(), 1u);
}
TEST(SitePollTest, AWatermarkInTheFutureByBothClocksIsToldAndSetBack) {
    SiteLease ahead = lease();
    ahead.synced_through = kNoon + 24h;
    SitePoll visit(ahead, sync_settings());
    EXPECT_TRUE(visit.watermark_ahead(kNoon, kNoon - 24h));
    EXPECT_FALSE(visit.watermark_ahead(kNoon + 24h, kNoon));
    EXPECT_LT(visit.next(kNoon, kNoon, 0)->pass.position().from, kNoon);
}
TEST(SitePollTest, TheRevisitThatIsDueComesAfterTheIncrementalPass) {
    SitePoll visit(lease(), sync_settings());
    EXPECT_STREQ(visit.next(kNoon, kNoon, 0)->mode, "incremental");
    visit.on_result(complete());
    const auto revisit = visit.next(kNoon, kNoon, 0);
    ASSERT_TRUE(revisit);
    EXPECT_STREQ(revisit->mode, "revisit");
    EXPECT_EQ(revisit->pass.position().from, kNoon - 24h);
    visit.on_result(complete());
    EXPECT_FALSE(visit.next(kNoon, kNoon, 0));
}
TEST(SitePollTest, WhereNoRevisitIsDueTheLeaseGoesBackWithTheLastCommit) {
    SiteLease fresh = lease();
    fresh.tiers = {{24h, 0s}};
    SitePoll visit(fresh, sync_settings());
    Pass pass = visit.next(kNoon, kNoon, 0.5)->pass;
    PageFacts page;
    page.next_page = "more";
    pass.on_page(page);
    EXPECT_FALSE(pass.checkpoint().release) << "there is another page";
    page.next_page.reset();
    pass.on_page(page);
    ASSERT_TRUE(pass.checkpoint().release);
    EXPECT_FALSE(visit.given_back());
    visit.on_result(complete());
    EXPECT_TRUE(visit.given_back());
    EXPECT_FALSE(visit.next(kNoon, kNoon, 0));
    EXPECT_EQ(visit.release(0).next_poll_in, pass.checkpoint().release->next_poll_in);
}
TEST(SitePollTest, ALeaseThatDidNotGoBackWithACommitIsGivenBackByItself) {
    SiteLease fresh = lease();
    fresh.tiers = {{24h, 0s}};
    SitePoll visit(fresh, sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult failed;
    failed.outcome = {Ending::unavailable, "away"};
    visit.on_result(failed);
    EXPECT_FALSE(visit.given_back());
    EXPECT_EQ(visit.release(0).error, "away");
}
TEST(SitePollTest, AFailedPassEndsTheVisitAndTheSiteBacksOff) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult failed;
    failed.outcome = {Ending::unavailable, "away"};
    visit.on_result(failed);
    EXPECT_FALSE(visit.next(kNoon, kNoon, 0));
    EXPECT_EQ(visit.release(0).error, "away");
    EXPECT_EQ(visit.release(0).next_poll_in, 120s);
}
TEST(SitePollTest, AFailedPassIsToldWithItsModeAndWhereItStood) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult failed;
    failed.outcome = {Ending::unavailable, "away"};
    failed.reached.pass.pages = 3;
    failed.reached.requests = 7;
    visit.on_result(failed);
    const SiteRelease release = visit.release(0);
    ASSERT_TRUE(release.failed);
    EXPECT_EQ(release.failed->mode, "incremental");
    EXPECT_EQ(release.failed->pass.pages, 3);
    EXPECT_EQ(release.failed->requests, 7);
}
TEST(SitePollTest, ARevisitThatFailsIsToldAsARevisit) {
    SiteLease never_revisited = lease();
    never_revisited.tiers.clear();
    SitePoll visit(never_revisited, sync_settings());
    visit.next(kNoon, kNoon, 0);
    visit.on_result(complete());
    ASSERT_TRUE(visit.next(kNoon, kNoon, 0));
    PassResult failed;
    failed.outcome = {Ending::unavailable, "away"};
    visit.on_result(failed);
    ASSERT_TRUE(visit.release(0).failed);
    EXPECT_EQ(visit.release(0).failed->mode, "revisit");
}
TEST(SitePollTest, AStoppedVisitLeavesTheSiteDueAtOnceAndWithoutAnError) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult stopped;
    stopped.outcome = {Ending::stopped, "stopped"};
    visit.on_result(stopped);
    EXPECT_EQ(visit.release(0).error, "");
    EXPECT_EQ(visit.release(0).next_poll_in, 0s);
}

}  // namespace
}  // namespace glia
