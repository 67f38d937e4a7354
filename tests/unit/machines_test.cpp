// How a pass proceeds, and what the poll of a site consists of.
#include <gtest/gtest.h>

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
    EXPECT_EQ(run.result().outcome.reason, ExitReason::unavailable);
}
TEST(PassPipelineTest, AfterACommitThatFailedNothingMoreIsAskedFor) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(3, "l1"));
    run.next();
    run.on_commit_failed({ExitReason::unavailable, "away"});
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
    EXPECT_EQ(run.result().outcome.reason, ExitReason::stopped);
}
TEST(PassPipelineTest, ACursorThatEndedIsReadAgainFromTheFirstPage) {
    PassPipeline run = pass_pipeline();
    run.next();
    run.on_page(page(1, "l1"));
    run.next();
    EXPECT_TRUE(run.on_error({ApiError::Kind::not_found, 404, "cursor"}));
    const PassPipeline::Step step = run.next();
    EXPECT_TRUE(std::holds_alternative<FirstPageRequest>(std::get<PassPipeline::Fetch>(step).ask));
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
TEST(SitePollTest, AWatermarkInTheFutureByBothClocksIsReportedAndSetBack) {
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
    PageInput page;
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
    failed.outcome = {ExitReason::unavailable, "away"};
    visit.on_result(failed);
    EXPECT_FALSE(visit.given_back());
    EXPECT_EQ(visit.release(0).error, "away");
}
TEST(SitePollTest, AFailedPassEndsThePollAndTheSiteBacksOff) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult failed;
    failed.outcome = {ExitReason::unavailable, "away"};
    visit.on_result(failed);
    EXPECT_FALSE(visit.next(kNoon, kNoon, 0));
    EXPECT_EQ(visit.release(0).error, "away");
    EXPECT_EQ(visit.release(0).next_poll_in, 120s);
}
TEST(SitePollTest, AFailedPassIsReportedWithItsModeAndWhereItStood) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult failed;
    failed.outcome = {ExitReason::unavailable, "away"};
    failed.reached.pass.pages = 3;
    failed.reached.requests = 7;
    visit.on_result(failed);
    const SiteRelease release = visit.release(0);
    ASSERT_TRUE(release.failed);
    EXPECT_EQ(release.failed->mode, "incremental");
    EXPECT_EQ(release.failed->pass.pages, 3);
    EXPECT_EQ(release.failed->requests, 7);
}
TEST(SitePollTest, ARevisitThatFailsIsReportedAsARevisit) {
    SiteLease never_revisited = lease();
    never_revisited.tiers.clear();
    SitePoll visit(never_revisited, sync_settings());
    visit.next(kNoon, kNoon, 0);
    visit.on_result(complete());
    ASSERT_TRUE(visit.next(kNoon, kNoon, 0));
    PassResult failed;
    failed.outcome = {ExitReason::unavailable, "away"};
    visit.on_result(failed);
    ASSERT_TRUE(visit.release(0).failed);
    EXPECT_EQ(visit.release(0).failed->mode, "revisit");
}
TEST(SitePollTest, AStoppedPollLeavesTheSiteDueAtOnceAndWithoutAnError) {
    SitePoll visit(lease(), sync_settings());
    visit.next(kNoon, kNoon, 0);
    PassResult stopped;
    stopped.outcome = {ExitReason::stopped, "stopped"};
    visit.on_result(stopped);
    EXPECT_EQ(visit.release(0).error, "");
    EXPECT_EQ(visit.release(0).next_poll_in, 0s);
}

}  // namespace
}  // namespace glia
