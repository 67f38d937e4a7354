// `backfill --dry-run`: which windows are probed, and the estimate from them.
#include <gtest/gtest.h>

#include "daemon/sync/backfill_estimate.hpp"

namespace glia {
namespace {

constexpr Seconds kDay{86'400};
const Instant kFrom{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}};

TEST(ProbeWindows, AreSpreadOverTheRangeOfEachSite) {
    const auto windows = probe_windows({"a", "b"}, kFrom, kFrom + 100 * kDay, kDay, 4);
    EXPECT_EQ(windows, (std::vector<ProbeWindow>{{"a", kFrom + 25 * kDay, kFrom + 26 * kDay},
                                                 {"a", kFrom + 75 * kDay, kFrom + 76 * kDay},
                                                 {"b", kFrom + 25 * kDay, kFrom + 26 * kDay},
                                                 {"b", kFrom + 75 * kDay, kFrom + 76 * kDay}}));
}
TEST(ProbeWindows, AreAllOfAShortRangeAndOneOfEachSiteAtLeast) {
    EXPECT_EQ(probe_windows({"a"}, kFrom, kFrom + 2 * kDay + Seconds{60}, kDay, 12),
              (std::vector<ProbeWindow>{{"a", kFrom, kFrom + kDay},
                                        {"a", kFrom + kDay, kFrom + 2 * kDay},
                                        {"a", kFrom + 2 * kDay, kFrom + 2 * kDay + Seconds{60}}}));
    EXPECT_EQ(probe_windows(std::vector<std::string>(20, "a"), kFrom, kFrom + 9 * kDay, kDay, 12).size(),
              20U);
    EXPECT_TRUE(probe_windows({"a"}, kFrom, kFrom, kDay, 12).empty());
}

/// A probe of ten windows: 20 pages of 0.2 s, 1,000 engagements.
ProbeCounts probe() {
    return {10, 20, 1000, 1000, false, Milliseconds{4000}};
}

TEST(BackfillEstimate, ScalesWhatTheProbeShowed) {
    const BackfillEstimate estimate = estimate_backfill(probe(), 365, true, {50, 8, 4});
    EXPECT_EQ(estimate.pages, 730);
    EXPECT_EQ(estimate.engagements, 36'500);
    EXPECT_EQ(estimate.details, 36'500);
    EXPECT_EQ(estimate.requests(), 37'230);
    EXPECT_EQ(estimate.requests_per_second, 40) << "eight at once, of 0.2 s each: less than the limit";
    EXPECT_EQ(estimate.time, Seconds{931});
}
TEST(BackfillEstimate, TheLimitDecidesWhereAnswersAreQuick) {
    ProbeCounts quick = probe();
    quick.waited = Milliseconds{20};
    EXPECT_EQ(estimate_backfill(quick, 365, true, {10, 8, 4}).time, Seconds{3723});
    EXPECT_LT(estimate_backfill(quick, 365, true, {0, 8, 4}).time, Seconds{10}) << "no limit";
}
TEST(BackfillEstimate, LegsInTheListOrNotWantedAreNotAskedFor) {
    ProbeCounts listed = probe();
    listed.without_legs = 0;
    EXPECT_EQ(estimate_backfill(listed, 365, true, {50, 8, 4}).requests(), 730);
    const BackfillEstimate pages = estimate_backfill(probe(), 365, false, {50, 8, 4});
    EXPECT_EQ(pages.requests(), 730);
    EXPECT_EQ(pages.requests_per_second, 20) << "four windows at once";
}
TEST(BackfillEstimate, StatisticsFollowTheEngagements) {
    ProbeCounts listed = probe();
    listed.without_legs = 0;
    const BackfillEstimate estimate = estimate_backfill(listed, 100, true, {50, 8, 4}, 800);
    EXPECT_EQ(estimate.statistics, 800);
    EXPECT_EQ(estimate.requests(), 1000);
    EXPECT_EQ(estimate.time, Seconds{50})
        << "200 pages and 800 requests, four windows at once, of 0.2 s each";
    EXPECT_EQ(estimate.requests_per_second, 20);
}
TEST(StatisticsRequests, AreOneForEachSourceAndIntervalThatIsOver) {
    const Milliseconds half_hour{1'800'000};
    const auto requests = [&](Seconds from, Seconds to, Seconds now) {
        return statistics_requests(kFrom + from, kFrom + to, kFrom + now, half_hour);
    };
    EXPECT_EQ(requests(Seconds{0}, kDay, 2 * kDay), 4 * 48);
    EXPECT_EQ(requests(Seconds{1}, kDay, 2 * kDay), 4 * 47) << "the first begins after half an hour";
    EXPECT_EQ(requests(Seconds{0}, kDay + Seconds{1}, 2 * kDay), 4 * 49);
    EXPECT_EQ(requests(Seconds{0}, kDay, kDay), 4 * 48);
    EXPECT_EQ(requests(Seconds{0}, kDay, kDay - Seconds{1}), 4 * 47) << "the last is not over";
    EXPECT_EQ(requests(Seconds{0}, Seconds{60}, Seconds{60}), 0);
}
TEST(BackfillEstimate, AWindowIsAPageAtLeastAndNothingProbedIsNothingKnown) {
    EXPECT_EQ(estimate_backfill({2, 2, 0, 0, false, {}}, 400, true, {}).pages, 400);
    EXPECT_EQ(estimate_backfill({}, 400, true, {}).requests(), 0);
}

}  // namespace
}  // namespace glia
