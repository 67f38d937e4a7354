// The decisions of the sync: what to write, what to ask for, when a watermark may move, when to come again.
#include <gtest/gtest.h>

#include <unistd.h>

#include "daemon/base/instance_id.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/pass.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

Instant at(const char* text) {
    return *parse_timestamp(text);
}
const Instant kEarly = at("2024-01-01T00:00:00Z");
const Instant kLate = at("2024-01-01T00:00:10Z");
constexpr RecordHash kA{2, {1}}, kB{2, {2}}, kLegsA{2, {3}}, kLegsB{2, {4}};

StoredState stored(RecordHash core, std::optional<RecordHash> list, std::optional<RecordHash> legs,
                   Instant when = kEarly) {
    StoredState state;
    state.core_hash = core;
    state.list_hash = list;
    state.legs_hash = legs;
    state.fetched_at = when;
    if (legs) state.legs_fetched_at = when;
    return state;
}
IncomingState list_item(RecordHash core, Instant when = kLate) {
    return {RecordSource::list, core, std::nullopt, when};
}
IncomingState detail(RecordHash core, RecordHash legs, Instant when = kLate) {
    return {RecordSource::detail, core, legs, when};
}
IncomingState late(IncomingState incoming) {
    incoming.late = true;
    return incoming;
}

TEST(Merge, ANewListItemIsInsertedAndAsksForItsLegs) {
    const MergePlan plan = plan_merge(std::nullopt, list_item(kA));
    EXPECT_TRUE(plan.insert);
    EXPECT_TRUE(plan.enqueue_detail);
    EXPECT_FALSE(plan.write_legs);
}
TEST(Merge, TheSameAgainWritesNothing) {
    const MergePlan again = plan_merge(stored(kA, kA, kLegsA), list_item(kA));
    EXPECT_FALSE(again.updates());
    EXPECT_FALSE(again.enqueue_detail);
    EXPECT_FALSE(plan_merge(stored(kA, kA, kLegsA), detail(kA, kLegsA)).updates());
}
TEST(Merge, AChangedListItemIsWrittenAndAsksForItsLegs) {
    const MergePlan plan = plan_merge(stored(kA, kA, kLegsA), list_item(kB));
    EXPECT_TRUE(plan.write_core);
    EXPECT_TRUE(plan.enqueue_detail);
    EXPECT_FALSE(plan.write_legs);
    EXPECT_EQ(plan.list_hash, kB);
}
TEST(Merge, AListItemWithoutLegsLeavesTheStoredLegsAlone) {
    EXPECT_FALSE(plan_merge(stored(kA, kA, kLegsA), list_item(kB)).write_legs);
}
TEST(Merge, AnOlderResponseNeverOverwritesANewerOne) {
    const MergePlan list_plan = plan_merge(stored(kA, kA, kLegsA, kLate), list_item(kB, kEarly));
    EXPECT_FALSE(list_plan.updates());
    EXPECT_TRUE(list_plan.stale);
    const MergePlan detail_plan = plan_merge(stored(kA, kA, kLegsA, kLate), detail(kB, kLegsB, kEarly));
    EXPECT_FALSE(detail_plan.updates());
    EXPECT_TRUE(detail_plan.stale);
}
TEST(Merge, FirstLegsAreWrittenEvenIfTheListItemWasAskedForLater) {
    StoredState state = stored(kA, kA, std::nullopt, kLate);
    EXPECT_TRUE(plan_merge(state, detail(kA, kLegsA, kEarly)).write_legs);
}
TEST(Merge, ADetailThatDisagreesIsWrittenAndLetsTheNextListItemAskAgain) {
    const MergePlan plan = plan_merge(stored(kA, kA, std::nullopt), detail(kB, kLegsA));
    EXPECT_TRUE(plan.write_core);
    EXPECT_EQ(plan.list_hash, std::nullopt);
    const MergePlan next = plan_merge(stored(kB, std::nullopt, kLegsA), list_item(kA));
    EXPECT_TRUE(next.enqueue_detail);
    EXPECT_FALSE(next.write_core);
    EXPECT_TRUE(next.write_list_hash);
}
void apply(StoredState& state, const IncomingState& incoming) {
    const MergePlan plan = plan_merge(state, incoming);
    if (plan.updates()) state.fetched_at = fetched_at_after(state, incoming);
    if (plan.write_list_hash) state.list_hash = plan.list_hash;
    if (plan.write_core) state.core_hash = incoming.core_hash;
}
/// The state after kA, a detail that shows a change to kB, and a list item with kA: no list item has shown
/// kB.
StoredState doubted_at(Instant when) {
    StoredState state = stored(kB, std::nullopt, kLegsA);
    apply(state, list_item(kA, when));
    return state;
}
TEST(Merge, WhatTheListStillShowsAfterADetailThatDisagreesIsAskedForOnceMore) {
    StoredState state = doubted_at(kLate);
    EXPECT_FALSE(plan_merge(state, list_item(kA, kLate + 1s)).updates()) << "the detail decides";
    apply(state, detail(kB, kLegsA, kLate + 10s));
    EXPECT_FALSE(plan_merge(state, list_item(kA, kLate + 9s)).updates()) << "requested before the detail";
    const MergePlan plan = plan_merge(state, list_item(kA, kLate + 1min));
    EXPECT_TRUE(plan.enqueue_detail);
    EXPECT_FALSE(plan.write_core);
    apply(state, list_item(kA, kLate + 1min));
    EXPECT_TRUE(plan_merge(state, detail(kA, kLegsA, kLate + 2min)).write_core);
    // After that nothing is written, even if the two differ for ever.
    EXPECT_FALSE(plan_merge(state, list_item(kA, kLate + 3min)).updates());
    EXPECT_FALSE(plan_merge(state, detail(kB, kLegsA, kLate + 3min)).updates());
}
TEST(Merge, ALateListItemThatStillShowsItIsNoLessEvidence) {
    StoredState state = doubted_at(kLate);
    apply(state, detail(kB, kLegsA, kLate + 10s));
    EXPECT_TRUE(plan_merge(state, late(list_item(kA, kLate + 1min))).enqueue_detail);
}
TEST(Merge, ALateDetailThatContradictsTheListItemIsFollowedByAnother) {
    const StoredState state = doubted_at(kLate);
    EXPECT_TRUE(plan_merge(state, late(detail(kB, kLegsA, kLate + 10s))).enqueue_detail);
    EXPECT_FALSE(plan_merge(state, detail(kB, kLegsA, kLate + 10s)).enqueue_detail);
}
TEST(Merge, AnEngagementOfWhichListAndDetailAgreeAgainIsCheckedAtItsNextChange) {
    StoredState state = doubted_at(kLate);
    apply(state, detail(kB, kLegsA, kLate + 10s));
    apply(state, list_item(kA, kLate + 20s));
    apply(state, list_item(kB, kLate + 30s));
    EXPECT_TRUE(plan_merge(state, list_item(kA, kLate + 40s)).enqueue_detail);
    EXPECT_FALSE(plan_merge(state, list_item(kB, kLate + 40s)).updates());
}
TEST(Merge, ALastingDifferenceOfListAndDetailComesToRest) {
    // kA in the list, kB in the detail, for ever.
    const StoredState confirmed = stored(kB, kA, kLegsA);
    EXPECT_FALSE(plan_merge(confirmed, list_item(kA)).updates());
    EXPECT_FALSE(plan_merge(confirmed, detail(kB, kLegsA)).updates());
    EXPECT_TRUE(
        plan_merge(confirmed, detail(kA, kLegsA)).write_core);  // and a real change still comes through
}
TEST(Merge, ALateResponseThatOverwritesAsksForADetailThatDecides) {
    const auto list = plan_merge(stored(kA, kA, kLegsA), late({RecordSource::list, kB, kLegsA, kLate}));
    EXPECT_TRUE(list.write_core && list.enqueue_detail);
    const auto core = plan_merge(stored(kA, kA, kLegsA), late(detail(kB, kLegsA)));
    EXPECT_TRUE(core.write_core && core.enqueue_detail);
    const auto legs = plan_merge(stored(kA, kA, kLegsA), late(detail(kA, kLegsB)));
    EXPECT_TRUE(legs.write_legs && legs.enqueue_detail);
}
TEST(Merge, ALateResponseThatOverwritesNothingAsksForNothing) {
    EXPECT_FALSE(plan_merge(stored(kA, kA, kLegsA), late(detail(kA, kLegsA))).enqueue_detail);
    EXPECT_FALSE(plan_merge(stored(kA, kA, std::nullopt), late(detail(kA, kLegsA))).enqueue_detail);
    EXPECT_FALSE(plan_merge(std::nullopt, late(detail(kA, kLegsA))).enqueue_detail);
    EXPECT_FALSE(plan_merge(stored(kA, kA, kLegsA), detail(kB, kLegsB)).enqueue_detail);
}
TEST(Merge, ALateDetailDoesNotResolveItsOwnDoubt) {
    EXPECT_GT(detail_wanted_after(detail(kA, kLegsA)), kLate);
    EXPECT_EQ(detail_wanted_after(list_item(kA)), kLate);
}
IncomingState by_a_clock_set_back(IncomingState incoming) {
    set_age(incoming, 500ms);
    return incoming;
}
TEST(Merge, WhatAClockThatRanAheadWroteIsOverwrittenByTheClockThatWasCorrected) {
    const Instant ahead = kLate + 24h;
    const StoredState wrong = stored(kA, kA, kLegsA, ahead);
    const auto list = plan_merge(wrong, by_a_clock_set_back(list_item(kB)));
    EXPECT_TRUE(list.write_core && list.enqueue_detail && !list.stale);
    const IncomingState incoming = by_a_clock_set_back(detail(kB, kLegsB));
    const auto both = plan_merge(wrong, incoming);
    EXPECT_TRUE(both.write_core && both.write_legs && !both.stale);
    EXPECT_EQ(fetched_at_after(wrong, incoming), kLate);
    // A minute is within the tolerance of clocks, and a response of unknown age is ordered as before.
    const StoredState near = stored(kA, kA, kLegsA, kLate + 60s);
    EXPECT_TRUE(plan_merge(near, by_a_clock_set_back(detail(kB, kLegsB))).stale);
    EXPECT_EQ(fetched_at_after(near, by_a_clock_set_back(detail(kB, kLegsB))), kLate + 60s);
    EXPECT_TRUE(plan_merge(wrong, detail(kB, kLegsB)).stale);
    // A response that waits for hours, for a database for example, is still the older one.
    IncomingState waited = detail(kB, kLegsB);
    set_age(waited, 24h);
    EXPECT_TRUE(plan_merge(wrong, waited).stale);
}
TEST(Merge, AListWithLegsNeedsNoDetail) {
    IncomingState incoming = list_item(kA);
    incoming.legs_hash = kLegsA;
    const MergePlan plan = plan_merge(std::nullopt, incoming);
    EXPECT_TRUE(plan.write_legs);
    EXPECT_FALSE(plan.enqueue_detail);
}

TEST(Ongoing, UntilEveryLegHasEnded) {
    Engagement e;
    e.created_at = kEarly;
    EXPECT_FALSE(is_ongoing(e, kLate));
    e.legs.emplace();
    EXPECT_TRUE(is_ongoing(e, kLate));
    EXPECT_FALSE(is_ongoing(e, kLate + 48h));
    e.legs = {Leg{}};
    EXPECT_TRUE(is_ongoing(e, kLate + 48h));
    e.legs->at(0).ended_at = kLate;
    EXPECT_FALSE(is_ongoing(e, kLate));
}

OpenPass window() {
    OpenPass pass;
    pass.from = kEarly;
    return pass;
}
Pass incremental() {
    return Pass(SiteTarget{"s", 7}, window());
}
PageInput page_input(OptionalText next, Instant fetched = kLate) {
    return {fetched, std::move(next), 100, 0, 1};
}

TEST(PassTest, AsksForTheFirstPageAMillisecondEarly) {
    EXPECT_EQ(incremental().next(), (PageRequest{FirstPageRequest{kEarly - 1ms, std::nullopt}}));
}
TEST(PassTest, FollowsTheLinkAsItIs) {
    Pass pass = incremental();
    pass.on_page(page_input("https://x/?a[]=1"));
    EXPECT_EQ(pass.next(), (PageRequest{LinkedPageRequest{"https://x/?a[]=1"}}));
}
TEST(PassTest, WatermarkStaysUntilTheLastPage) {
    Pass pass = incremental();
    pass.on_page(page_input("l1"));
    EXPECT_EQ(pass.checkpoint().watermark, std::nullopt);
    EXPECT_FALSE(pass.checkpoint().complete);
    pass.on_page(page_input(std::nullopt, kLate + 1h));
    EXPECT_TRUE(pass.checkpoint().complete);
    EXPECT_EQ(pass.checkpoint().watermark, kLate);  // the start of the pass, not its end
}
TEST(PassTest, ARevisitNeverMovesTheWatermark) {
    Pass pass(TierTarget{"s", 7, {}}, window());
    pass.on_page(page_input(std::nullopt));
    EXPECT_TRUE(pass.complete());
    EXPECT_EQ(pass.checkpoint().watermark, std::nullopt);
}
TEST(PassTest, ResumesAtItsLinkAndKeepsItsStart) {
    OpenPass open = window();
    open.started_at = kEarly + 5s;
    open.next_page = "l5";
    open.pages = 5;
    Pass pass(SiteTarget{"s", 7}, open);
    EXPECT_EQ(pass.next(), (PageRequest{LinkedPageRequest{"l5"}}));
    pass.on_page(page_input(std::nullopt, kLate));
    EXPECT_EQ(pass.checkpoint().watermark, kEarly + 5s);
    EXPECT_EQ(pass.position().pages, 6);
}
TEST(PassTest, ALinkThatRepeatsItselfEndsThePassAndIsNotKept) {
    Pass pass = incremental();
    pass.on_page(page_input("l1"));
    pass.on_page(page_input("l2"));
    pass.on_page(page_input("l1"));
    EXPECT_TRUE(pass.failed());
    EXPECT_NE(pass.error().find("repeats itself"), std::string::npos);
    EXPECT_EQ(pass.checkpoint().pass.next_page, std::nullopt);
    EXPECT_EQ(pass.checkpoint().watermark, std::nullopt);
}
TEST(PassTest, ACursorThatEndedRestartsTheWindowAFewTimes) {
    Pass pass = incremental();
    pass.on_page(page_input("l1"));
    EXPECT_TRUE(pass.on_link_failure(LinkFailure::gone, "404"));
    EXPECT_EQ(pass.next(), (PageRequest{FirstPageRequest{kEarly - 1ms, std::nullopt}}));
    pass.on_page(page_input("l1", kLate + 5s));
    EXPECT_FALSE(pass.failed());  // the same link in a second attempt is no repetition
    for (int i = 1; i < Pass::kMaxRestarts; ++i) EXPECT_TRUE(pass.on_link_failure(LinkFailure::gone, "404"));
    EXPECT_FALSE(pass.on_link_failure(LinkFailure::gone, "404"));
    EXPECT_TRUE(pass.failed());
}
TEST(PassTest, ALinkToAnotherOriginEndsThePassAndIsNotKept) {
    Pass pass = incremental();
    pass.on_page(page_input("https://evil.example/"));
    EXPECT_FALSE(pass.on_link_failure(LinkFailure::untrusted, "no"));
    EXPECT_EQ(pass.checkpoint().pass.next_page, std::nullopt);
}
TEST(PassTest, AfterAPassingFailureTheLinkIsKept) {
    Pass pass = incremental();
    pass.on_page(page_input("l1"));
    EXPECT_FALSE(pass.on_link_failure(LinkFailure::transient, "503"));
    EXPECT_EQ(pass.checkpoint().pass.next_page, "l1");
}

SyncSettings sync_settings() {
    SyncSettings sync;
    sync.start_from = at("2023-01-01T00:00:00Z");
    sync.revisit = {{15min, 24h}, {24h, 336h}};
    return sync;
}

const Instant kFarAhead = at("2100-01-01T00:00:00Z");

TEST(Schedule, TheFirstPassBeginsAtStartFrom) {
    EXPECT_EQ(incremental_pass({}, sync_settings(), kFarAhead).from, at("2023-01-01T00:00:00Z"));
}
TEST(Schedule, LaterPassesReadTheOverlapAgain) {
    SiteLease lease;
    lease.synced_through = at("2024-01-01T00:10:00Z");
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).from, at("2024-01-01T00:00:00Z"));
}
TEST(Schedule, AWatermarkThatAWrongClockPutIntoTheFutureDoesNotHideWhatComes) {
    const Instant latest = at("2024-01-01T00:10:00Z");
    SiteLease lease;
    lease.synced_through = latest + 24h;
    EXPECT_EQ(incremental_pass(lease, sync_settings(), latest).from, at("2024-01-01T00:00:00Z"));
    lease.open_pass = window();
    lease.open_pass->from = at("2023-01-01T00:00:00Z");
    lease.open_pass->started_at = latest + 24h;
    EXPECT_EQ(incremental_pass(lease, sync_settings(), latest).started_at, latest);
}
TEST(Schedule, NoPassBeginsBeforeThereWasAnythingToRead) {
    SiteLease lease;
    lease.synced_through = at("0001-01-01T00:00:00Z");
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).from, kEarliestStart);
    SyncSettings sync = sync_settings();
    sync.start_from = at("0001-01-01T00:00:00Z");
    EXPECT_EQ(incremental_pass({}, sync, kFarAhead).from, kEarliestStart);
}
TEST(Schedule, AnOpenPassGoesOnUnlessItBeginsTooLate) {
    SiteLease lease;
    lease.open_pass = window();
    lease.open_pass->from = at("2023-01-01T00:00:00Z");
    lease.open_pass->next_page = "l5";
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).next_page, "l5");
    lease.open_pass->from = at("2023-06-01T00:00:00Z");
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).next_page, std::nullopt);
}
TEST(Schedule, AFirstPassBeginsAgainIfStartFromHasChanged) {
    SiteLease lease;
    lease.open_pass = window();
    lease.open_pass->from = at("2022-01-01T00:00:00Z");
    lease.open_pass->next_page = "l5";
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).next_page, std::nullopt);
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).from, at("2023-01-01T00:00:00Z"));
    lease.synced_through = at("2024-01-01T00:00:00Z");
    EXPECT_EQ(incremental_pass(lease, sync_settings(), kFarAhead).next_page, "l5");
}
TEST(Schedule, TheWidestDueTierRunsAndCoversTheOthers) {
    const SyncSettings sync = sync_settings();
    EXPECT_EQ(due_tier({}, sync)->back, 336h);
    EXPECT_EQ(due_tier({}, sync)->covers.size(), 2u);
    EXPECT_EQ(due_tier({{Seconds{86'400}, Seconds{3600}}, {Seconds{1'209'600}, Seconds{3600}}}, sync)->back,
              24h);
    EXPECT_FALSE(due_tier({{Seconds{86'400}, Seconds{60}}, {Seconds{1'209'600}, Seconds{3600}}}, sync));
}
TEST(Schedule, FailuresSpreadThePollsOut) {
    const SyncSettings sync = sync_settings();
    EXPECT_EQ(next_poll(sync, 0, 0), 60s);
    EXPECT_EQ(next_poll(sync, 0, 1), 54s);
    EXPECT_EQ(next_poll(sync, 1, 0), 120s);
    EXPECT_EQ(next_poll(sync, 50, 0), 300s);
}
TEST(Schedule, ATimeOfTheNextPollThatTheseSettingsDoNotSetIsNotAwaited) {
    const SyncSettings sync = sync_settings();
    const auto too_long = [&](Seconds wait, int failures, const std::string& holder = "") {
        SiteAcquired not_leased;
        not_leased.wait = wait;
        not_leased.failures = failures;
        not_leased.instance_id = holder;
        return waits_too_long(not_leased, sync);
    };
    EXPECT_FALSE(too_long(60s, 0));
    EXPECT_TRUE(too_long(61s, 0));
    EXPECT_FALSE(too_long(120s, 1)) << "failures are not repeated sooner";
    EXPECT_FALSE(too_long(300s, 50));
    EXPECT_TRUE(too_long(301s, 50));
    EXPECT_FALSE(too_long(12h, 0, "another"));
}
TEST(Schedule, TheOlderAnOngoingEngagementTheLessOftenItIsFetched) {
    const SyncSettings sync = sync_settings();
    EXPECT_EQ(refetch_wait(sync, kEarly, kEarly + 10s), 60s);
    EXPECT_EQ(refetch_wait(sync, kEarly, kEarly + 10h), 30min);
    EXPECT_EQ(refetch_wait(sync, kEarly, kEarly + 240h), 1h);
}
TEST(Schedule, ADetailThatKeepsFailingIsParkedAndTriedLessAndLess) {
    EXPECT_FALSE(work_retry(0, false).parked);
    EXPECT_EQ(work_retry(0, true).retry_in, 30s);
    EXPECT_EQ(work_retry(1, false).retry_in, 60s);
    EXPECT_TRUE(work_retry(3, false).parked);
    EXPECT_TRUE(work_retry(0, true).parked);
    EXPECT_LT(work_retry(3, false).retry_in, work_retry(4, false).retry_in);
    EXPECT_EQ(work_retry(90, true).retry_in, 24h);
    EXPECT_EQ(recording_retry_pause(0), 5s);
    EXPECT_EQ(recording_retry_pause(3), 40s);
    EXPECT_EQ(recording_retry_pause(90), 1h);
}

TEST(ExitStatusTest, TheGravestReasonCounts) {
    ExitStatus outcome;
    outcome.merge({ExitReason::unavailable, "a"});
    outcome.merge({ExitReason::rejected, "b"});
    EXPECT_EQ(outcome.error, "a");
    outcome.merge({ExitReason::credentials, "c"});
    EXPECT_EQ(exit_code(outcome.reason), 77);
}
TEST(ExitStatusTest, ExitCodesAreThoseOfSysexits) {
    EXPECT_EQ(exit_code(ExitReason::done), 0);
    EXPECT_EQ(exit_code(ExitReason::rejected), 65);
    EXPECT_EQ(exit_code(ExitReason::unavailable), 69);
    EXPECT_EQ(exit_code(ExitReason::stopped), 75);
    EXPECT_EQ(exit_code(ExitReason::misconfigured), 78);
}

TEST(InstanceId, ThisProcessIsAliveAndAnotherStartOfItsNumberIsNot) {
    const std::string self = this_instance_id();
    EXPECT_FALSE(is_dead(self));
    std::string other = self;
    const std::string pid = "/" + std::to_string(getpid()) + "/";
    const std::size_t start = other.find(pid) + pid.size();
    other.replace(start, other.find('/', start) - start, "1");
    EXPECT_TRUE(is_dead(other));
}
TEST(InstanceId, OfInstancesElsewhereNothingIsKnown) {
    EXPECT_FALSE(is_dead("host/1/2/00000000/4026531836"));
    EXPECT_FALSE(is_dead("nonsense"));
}

TEST(Progress, ShowsHowFarHowFastAndHowLong) {
    ProgressInput input;
    input.windows_done = 50;
    input.windows_total = 100;
    input.engagements = 12'000;
    input.elapsed = 60s;
    input.left = 60s;
    EXPECT_EQ(progress_line(input, false, 200), "50%  windows 50/100  engagements 12,000  200/s  ETA 1m00s");
    EXPECT_EQ(progress_line(input, true, 20).size(), 20u);
}
TEST(Progress, SaysNothingItDoesNotKnow) {
    TimeLeft time_left;
    ProgressInput input;
    input.windows_total = 10;
    EXPECT_FALSE(time_left.after(input));
    input.elapsed = 60s;
    EXPECT_FALSE(time_left.after(input));
    EXPECT_NE(progress_line(input, false, 200).find("ETA ?"), std::string::npos);
}
TEST(Progress, TheTimeLeftIsRightWithinATenthOnceATenthIsThrough) {
    // A year and twenty days, in windows of a day. The legs of each engagement take a request, after all
    // pages. Some engagements that one site lists may be known from another and need no legs.
    constexpr std::int64_t kPages = 3, kEngagements = 250;
    struct Case {
        std::int64_t windows;
        bool with_details;
        std::int64_t known = 0;
    };
    for (const Case& one : {Case{365, true}, {365, false}, {20, true, 50}}) {
        SCOPED_TRACE(one.windows);
        std::vector<std::pair<double, std::optional<std::chrono::seconds>>> estimates;
        TimeLeft time_left;
        ProgressInput input;
        input.windows_total = one.windows;
        double budget = 0;
        std::int64_t second = 0;
        for (; input.windows_done < one.windows || input.details_waiting > 0; ++second) {
            input.elapsed = std::chrono::seconds{second};
            estimates.emplace_back(static_cast<double>(second), time_left.after(input));
            budget += 20;
            while (budget >= 1 && input.windows_done < one.windows) {
                --budget;
                if (++input.pages % kPages != 0) continue;
                ++input.windows_done;
                input.engagements += kEngagements;
                if (one.with_details) input.details_waiting += kEngagements - one.known;
            }
            const auto details = std::min(static_cast<std::int64_t>(budget), input.details_waiting);
            input.details_waiting -= details;
            input.details_fetched += details;
            budget -= static_cast<double>(details);
        }
        for (const auto& [at, left] : estimates) {
            const double truth = static_cast<double>(second) - at;
            if (at < static_cast<double>(second) / 10) continue;
            ASSERT_TRUE(left) << at;
            EXPECT_NEAR(static_cast<double>(left->count()), truth, std::max(3.0, truth / 10)) << at;
        }
    }
}
TEST(Progress, WhatEarlierCallsDidIsNotTakenForSpeed) {
    TimeLeft time_left;
    ProgressInput input;
    input.windows_total = input.windows_done = 10;
    input.pages = 100;
    input.engagements = 10'000;
    EXPECT_EQ(time_left.after(input), 0s);  // nothing is known of details yet
    input.details_waiting = 1000;
    for (int second = 1; second <= 4; ++second) {
        input.elapsed = std::chrono::seconds{second};
        input.left = time_left.after(input);
        input.details_waiting -= 10;
        input.details_fetched += 10;
    }
    EXPECT_EQ(input.left, 97s);
}
TEST(Progress, TheTimeLeftFollowsARateThatChanges) {
    TimeLeft time_left;
    ProgressInput input;
    input.windows_total = 1'000'000;
    input.windows_done = 1;
    input.pages = 1;
    for (int second = 0; second <= 300; ++second) {
        input.elapsed = std::chrono::seconds{second};
        input.left = time_left.after(input);
        const int rate = second < 150 ? 20 : 10;
        input.pages += rate;
        input.windows_done += rate;
    }
    EXPECT_NEAR(static_cast<double>(input.left->count()),
                static_cast<double>(1'000'000 - input.windows_done) / 10, 1000.0);
}

TEST(Log, FieldsAreQuotedWhereTheyMust) {
    EXPECT_EQ(log::render("pass complete", {{"site", "s1"}, {"error", "a \"b\""}}, LogFormat::text),
              R"(pass complete site=s1 error="a \"b\"")");
    EXPECT_EQ(log::render("x", {{"n", 5}, {"t", "a\nb"}}, LogFormat::json),
              R"("event":"x","n":"5","t":"a\nb")");
}

}  // namespace
}  // namespace glia
