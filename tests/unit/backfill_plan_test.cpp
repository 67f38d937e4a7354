// BackfillPlan and BackfillFailures: which windows are claimed, read and given back, and when the listing is
// over.
#include "daemon/sync/backfill_plan.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

using namespace std::chrono_literals;

PassResult complete() {
    PassResult result;
    result.complete = true;
    return result;
}
PassResult failed(ExitReason reason, bool site_refused = false) {
    PassResult result;
    result.outcome = {reason, "why"};
    result.site_refused = site_refused;
    return result;
}
WindowLease window_of(const std::string& site, int attempts = 0) {
    WindowLease window;
    window.target.site_id = site;
    window.attempts = attempts;
    return window;
}

TEST(BackfillFailuresTest, AWindowThatFailsOnceIsNotYetAFailureOfTheBackfill) {
    BackfillFailures failures;
    EXPECT_EQ(failures.on_window(window_of("s"), failed(ExitReason::unavailable)), "why");
    EXPECT_EQ(failures.outcome().reason, ExitReason::done);
    failures.on_window(window_of("s", 1), failed(ExitReason::unavailable));
    EXPECT_EQ(failures.outcome().reason, ExitReason::unavailable);
}
TEST(BackfillFailuresTest, ARefusedSiteIsLeftOutAndCountsNoAttempt) {
    BackfillFailures failures;
    EXPECT_EQ(failures.on_window(window_of("s"), failed(ExitReason::credentials, true)), "");
    EXPECT_EQ(failures.refused_sites(), std::vector<std::string>{"s"});
    EXPECT_EQ(failures.outcome().reason, ExitReason::credentials);
    EXPECT_FALSE(failures.down());
}
TEST(BackfillFailuresTest, ThreeFailuresInARowMeanThatTheApiIsDown) {
    BackfillFailures failures;
    failures.on_window(window_of("s"), failed(ExitReason::unavailable));
    failures.on_window(window_of("s"), failed(ExitReason::unavailable));
    failures.on_window(window_of("s"), complete());
    for (int i = 0; i < BackfillFailures::kFailuresUntilDown; ++i) {
        EXPECT_FALSE(failures.down());
        failures.on_window(window_of("s"), failed(ExitReason::unavailable));
    }
    EXPECT_TRUE(failures.down());
}
TEST(BackfillFailuresTest, AStopSaysNothingAboutTheWindow) {
    BackfillFailures failures;
    EXPECT_EQ(failures.on_window(window_of("s"), failed(ExitReason::stopped)), "");
    EXPECT_EQ(failures.outcome().reason, ExitReason::done);
}

/// A plan with shortcuts for tests: `claims`, `reads` and so on fail unless that is the next step.
struct Plan : BackfillPlan {
    explicit Plan(int concurrency = 2) : BackfillPlan(BackfillLimits{concurrency, 3, 8}) {}

    template <typename Kind>
    Kind expect(Milliseconds now = 0ms) {
        Step step = next(now);
        if (auto* due = std::get_if<Kind>(&step)) return std::move(*due);
        ADD_FAILURE() << "another step is due: " << step.index();
        return {};
    }
    void claims(int count, Milliseconds now = 0ms) {
        expect<Claim>(now);
        std::vector<WindowLease> leases;
        for (int i = 0; i < count; ++i) leases.push_back(window_of("s"));
        on_claimed(std::move(leases), now);
    }
    Number reads() { return expect<Read>().window; }
    void inspects(std::int64_t done, std::int64_t leased = 0, std::int64_t free = 0) {
        expect<Inspect>();
        BackfillProgress progress;
        progress.windows_total = 9;
        progress.windows_done = done;
        progress.windows_leased = leased;
        progress.windows_free = free;
        on_inspected(progress);
    }
    void waits_a_second_for_others() {
        expect<FreeDead>();
        on_dead_freed(0ms);
        EXPECT_EQ(expect<Wait>(10ms).until, 1s);
    }
};

TEST(BackfillPlanTest, ReadsAsManyWindowsAsItMayAtOnceAndClaimsAhead) {
    Plan plan;
    EXPECT_EQ(plan.expect<BackfillPlan::Claim>().limit, 2);
    plan.expect<BackfillPlan::Wait>();
    plan.on_claimed({window_of("a"), window_of("b"), window_of("c")}, 0ms);
    EXPECT_EQ(plan.expect<BackfillPlan::Read>().lease.target.site_id, "a");
    EXPECT_EQ(plan.expect<BackfillPlan::Read>().lease.target.site_id, "b");
    plan.expect<BackfillPlan::Claim>();
    plan.expect<BackfillPlan::Wait>();
}
TEST(BackfillPlanTest, AWindowThatIsFetchedFreesItsReaderBeforeItsLastCommit) {
    Plan plan(1);
    plan.claims(4);
    const auto first = plan.reads();
    plan.expect<BackfillPlan::Wait>();
    plan.on_fetched(first);
    const auto second = plan.reads();
    plan.on_fetched(second);
    plan.on_fetched(plan.reads());
    plan.expect<BackfillPlan::Wait>() /* three are uncommitted */;
    plan.on_completed(second, complete());
    plan.reads();
}
TEST(BackfillPlanTest, ClaimsGrowWhileTheyAreSoonReadAndShrinkAgain) {
    Plan plan(2);
    const auto claim = [&](Milliseconds now) {
        const int limit = plan.expect<BackfillPlan::Claim>(now).limit;
        plan.on_claimed({window_of("s"), window_of("s")}, now);
        for (int i = 0; i < 2; ++i)
            plan.on_completed(plan.expect<BackfillPlan::Read>(now).window, complete());
        return limit;
    };
    std::vector<int> limits;
    for (const Milliseconds now : {0ms, 100ms, 200ms, 300ms, 900ms, 1500ms}) limits.push_back(claim(now));
    EXPECT_EQ(limits, (std::vector{2, 4, 8, 8, 4, 2}));
}
TEST(BackfillPlanTest, ItIsOverOnceNothingIsLeftAndEveryWindowIsDone) {
    Plan plan;
    plan.claims(1);
    const auto window = plan.reads();
    plan.claims(0);
    plan.on_fetched(window);
    plan.expect<BackfillPlan::FreeDead>();
    plan.expect<BackfillPlan::Wait>() /* for the last commit */;
    plan.on_dead_freed(0ms);
    plan.on_completed(window, complete());
    plan.inspects(9);
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, WindowsOfOthersAreWaitedForAndClaimedOnceTheyAreFree) {
    Plan plan;
    plan.claims(0);
    plan.inspects(8, 1);
    plan.waits_a_second_for_others();
    plan.claims(1, 1s);
    plan.on_completed(plan.reads(), complete());
    plan.claims(0);
    plan.inspects(9);
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, WhatAnotherGaveBackWhileItWasAskedForIsClaimed) {
    Plan plan;
    plan.claims(0);
    plan.inspects(8, 0, 1);
    plan.claims(1);
    plan.on_completed(plan.reads(), failed(ExitReason::unavailable));
    plan.expect<BackfillPlan::GiveBack>();
    plan.on_given_back();
    plan.claims(0);
    plan.inspects(8);
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, AFreeWindowThatNoClaimGetsIsClaimedAgainAfterAPause) {
    Plan plan;
    plan.claims(0);
    plan.inspects(8, 0, 1);
    plan.claims(0);
    plan.inspects(8, 0, 1);
    plan.waits_a_second_for_others();
    plan.claims(0, 1s);
    plan.inspects(8);
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, AWindowThatFailedIsGivenBackWithItsErrorAndClaimedAgain) {
    Plan plan;
    plan.claims(1);
    const auto window = plan.reads();
    plan.claims(0);
    plan.on_completed(window, failed(ExitReason::unavailable));
    EXPECT_EQ(plan.expect<BackfillPlan::GiveBack>().error, "why");
    plan.expect<BackfillPlan::FreeDead>();
    plan.on_dead_freed(0ms);
    plan.on_given_back();
    plan.expect<BackfillPlan::Claim>();
}
TEST(BackfillPlanTest, OtherWindowsOfARefusedSiteAreNotRead) {
    Plan plan(1);
    plan.expect<BackfillPlan::Claim>();
    plan.on_claimed({window_of("refused"), window_of("refused"), window_of("fine")}, 0ms);
    plan.on_completed(plan.reads(), failed(ExitReason::credentials, true));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(plan.expect<BackfillPlan::GiveBack>().error, "");
    EXPECT_EQ(plan.expect<BackfillPlan::Read>().lease.target.site_id, "fine");
    EXPECT_EQ(plan.expect<BackfillPlan::Claim>().except_sites, std::vector<std::string>{"refused"});
}
TEST(BackfillPlanTest, AStopGivesBackWhatIsNotBegunAndWaitsForTheRest) {
    Plan plan(1);
    plan.claims(2);
    const auto window = plan.reads();
    plan.expect<BackfillPlan::Wait>();
    plan.stop();
    plan.expect<BackfillPlan::GiveBack>();
    plan.on_given_back();
    plan.expect<BackfillPlan::Wait>();
    plan.on_completed(window, failed(ExitReason::stopped));
    plan.expect<BackfillPlan::GiveBack>();
    plan.expect<BackfillPlan::Wait>();
    plan.on_given_back();
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, ASinkThatFailsMattersOnlyToAReaderWithoutAWindow) {
    Plan plan(1);
    plan.claims(1);
    const auto window = plan.reads();
    const auto ahead = plan.expect<BackfillPlan::Claim>();
    plan.on_failed(ahead, {ExitReason::unavailable, "away"});
    plan.expect<BackfillPlan::Wait>();
    EXPECT_FALSE(plan.failures().down());
    plan.on_completed(window, complete());
    plan.on_failed(plan.expect<BackfillPlan::Claim>(), {ExitReason::unavailable, "away"});
    EXPECT_TRUE(plan.failures().down());
    plan.expect<BackfillPlan::End>();
    EXPECT_EQ(plan.failures().outcome().error, "away");
}
TEST(BackfillPlanTest, AnApiThatIsDownEndsTheListing) {
    Plan plan(1);
    plan.claims(4);
    for (int i = 0; i < BackfillFailures::kFailuresUntilDown; ++i) {
        plan.on_completed(plan.reads(), failed(ExitReason::unavailable));
        plan.expect<BackfillPlan::GiveBack>();
        plan.on_given_back();
    }
    plan.expect<BackfillPlan::GiveBack>() /* the fourth, which was not begun */;
    plan.on_given_back();
    plan.expect<BackfillPlan::End>();
}
TEST(BackfillPlanTest, LeasesAreRenewedOnceTheyAreATenSecondsOld) {
    Plan plan(1);
    plan.claims(1);
    const auto window = plan.reads();
    plan.claims(1);
    EXPECT_EQ(plan.expect<BackfillPlan::Wait>().until, 10s);
    EXPECT_EQ(plan.expect<BackfillPlan::Renew>(10s).targets.size(), 2u);
    plan.expect<BackfillPlan::Wait>(16s) /* one renewal at a time */;
    plan.on_renewed();
    EXPECT_EQ(plan.expect<BackfillPlan::Wait>(16s).until, 21s);
    plan.on_completed(window, complete());
    EXPECT_EQ(plan.expect<BackfillPlan::Read>(17s).lease.target.site_id, "s");
    plan.claims(0, 18s);
    EXPECT_EQ(plan.expect<BackfillPlan::Renew>(21s).targets.size(), 1u);
}
TEST(BackfillPlanTest, ABackfillEndsWellOnlyIfEveryWindowIsDone) {
    BackfillProgress after;
    after.windows_total = 2;
    after.windows_done = 2;
    EXPECT_EQ(conclude({}, after, true).reason, ExitReason::done);
    after.windows_done = 1;
    EXPECT_EQ(conclude({}, after, true).reason, ExitReason::stopped);
    EXPECT_EQ(conclude({}, after, false).error, "some windows are not done");
    after.error = "of the window";
    EXPECT_EQ(conclude({}, after, false).error, "of the window");
    EXPECT_EQ(conclude({ExitReason::credentials, "refused"}, after, false).error, "refused");
}

}  // namespace
}  // namespace glia
