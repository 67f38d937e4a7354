// sync_runs: one row per pass, exactly, and one per failure (DESIGN.md §3).
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Runs : public SinkTest {
  protected:
    SiteLease acquire() { return *sink->site_leases().acquire({"s1"}, "me", Seconds{60}, true).lease; }
    static SiteRelease failure(const std::string& error, const char* mode = "incremental") {
        SiteRelease release{std::chrono::milliseconds{0}, error};
        FailedPass failed;
        failed.mode = mode;
        failed.pass.from = kNoon;
        failed.pass.started_at = kNoon;
        failed.pass.pages = 3;
        failed.requests = 7;
        release.failed = failed;
        return release;
    }
    void fail(const std::string& error, const char* mode = "incremental") {
        sink->site_leases().release({"s1", acquire().epoch}, failure(error, mode));
    }
    static PassCheckpoint complete(PassTarget target) {
        PassCheckpoint checkpoint;
        checkpoint.target = std::move(target);
        checkpoint.pass.from = kNoon;
        checkpoint.pass.started_at = kNoon;
        checkpoint.complete = true;
        if (std::holds_alternative<SiteTarget>(checkpoint.target)) checkpoint.watermark = kNoon;
        return checkpoint;
    }
    std::string runs(const std::string& columns) const {
        return sql("SELECT " + columns + " FROM sync_runs ORDER BY id");
    }
};

TEST_F(Runs, AFailedPassLeavesARowWithItsError) {
    fail("HTTP 500");
    EXPECT_EQ(runs("mode, site_id, error, times, pages, requests, window_from = '2024-01-01 12:00Z'"),
              "incremental|s1|HTTP 500|1|3|7|t");
    const History history = sink->reports().history(10);
    EXPECT_EQ(history.runs.at(0).error, "HTTP 500");
    EXPECT_EQ(history.runs.at(0).times, 1);
}
TEST_F(Runs, TheSameFailureAgainIsCountedAndAnotherIsNot) {
    for (int i = 0; i < 5; ++i) fail("HTTP 500");
    fail("HTTP 500", "revisit");
    fail("HTTP 503");
    fail("HTTP 500");
    EXPECT_EQ(runs("mode, error, times"),
              "incremental|HTTP 500|5\nrevisit|HTTP 500|1\nincremental|HTTP 503|1\nincremental|HTTP 500|1");
    EXPECT_EQ(sql("SELECT failures FROM sync_state"), "8");
}
TEST_F(Runs, AfterASuccessTheSameFailureIsANewRow) {
    fail("HTTP 500");
    const SiteLease lease = acquire();
    sink->commit({}, complete(SiteTarget{"s1", lease.epoch}));
    sink->site_leases().release({"s1", lease.epoch}, {});
    fail("HTTP 500");
    EXPECT_EQ(runs("coalesce(error, 'well')"), "HTTP 500\nwell\nHTTP 500");
}
TEST_F(Runs, AFailureThatIsReportedTwiceIsOneRow) {
    const std::int64_t epoch = acquire().epoch;
    for (int i = 0; i < 2; ++i) sink->site_leases().release({"s1", epoch}, failure("HTTP 500"));
    EXPECT_EQ(runs("error, times"), "HTTP 500|1");
    EXPECT_EQ(sql("SELECT failures FROM sync_state"), "1");
}
TEST_F(Runs, APassWhoseCommitIsSentAgainIsOneRow) {
    const std::int64_t epoch = acquire().epoch;
    for (int i = 0; i < 2; ++i) sink->commit({}, complete(SiteTarget{"s1", epoch}));
    for (int i = 0; i < 2; ++i) sink->commit({}, complete(TierTarget{"s1", epoch, {Seconds{60}}}));
    EXPECT_EQ(runs("mode"), "incremental\nrevisit");
}
TEST_F(Runs, APassThatGivesTheLeaseBackAndIsSentAgainIsOneRow) {
    PassCheckpoint last = complete(SiteTarget{"s1", acquire().epoch});
    last.release = SiteRelease{std::chrono::hours{1}, ""};
    for (int i = 0; i < 2; ++i) sink->commit({}, last);
    EXPECT_EQ(runs("mode"), "incremental");
}
TEST_F(Runs, ThePassOfTheNextLeaseIsAnotherRow) {
    for (int i = 0; i < 2; ++i) {
        const std::int64_t epoch = acquire().epoch;
        sink->commit({}, complete(SiteTarget{"s1", epoch}));
        sink->site_leases().release({"s1", epoch}, {});
    }
    EXPECT_EQ(runs("mode"), "incremental\nincremental");
}
TEST_F(Runs, AFailedWindowLeavesARowOnceForTheSameFailure) {
    BackfillSpec spec;
    spec.from = kNoon;
    spec.to = kNoon + std::chrono::hours{3};
    spec.window = std::chrono::hours{1};
    spec.sites = {"s1"};
    const BackfillState state = sink->backfills().open(spec);
    for (const WindowLease& lease : sink->backfills().claim_windows({state.id, "me", Seconds{60}, {}, 3})) {
        sink->backfills().release_window(lease.target, "HTTP 500");
        sink->backfills().release_window(lease.target, "HTTP 500");  // the same call again
    }
    EXPECT_EQ(runs("mode, site_id, backfill_id IS NOT NULL, error, times, window_from = '2024-01-01 12:00Z'"),
              "backfill|s1|t|HTTP 500|3|t");
    EXPECT_EQ(sql("SELECT string_agg(attempts::text, ' ') FROM backfill_windows"), "1 1 1");
}
TEST_F(Runs, ABackfillOfStatisticsHasRunsOfStatistics) {
    BackfillSpec spec;
    spec.from = kNoon;
    spec.to = kNoon + std::chrono::hours{2};
    spec.window = std::chrono::hours{1};
    spec.sites = {"s1"};
    spec.stream = Stream::statistics;
    const BackfillState state = sink->backfills().open(spec);
    const auto leases = sink->backfills().claim_windows({state.id, "me", Seconds{60}, {}, 1});
    sink->backfills().release_window(leases.at(0).target, "HTTP 500");
    EXPECT_EQ(sink->reports().status().backfills.at(0).stream, "statistics");
    sink->backfills().finish(state.id);
    EXPECT_EQ(runs("stream, mode, coalesce(error, 'finished')"),
              "statistics|backfill|HTTP 500\nstatistics|backfill|finished");
}
TEST_F(Runs, ARevisitIsDueByItsStartNotItsEnd) {
    const SiteLease lease = acquire();
    PassCheckpoint checkpoint = complete(TierTarget{"s1", lease.epoch, {Seconds{60}}});
    checkpoint.elapsed = std::chrono::minutes{10};
    sink->commit({}, checkpoint);
    sink->site_leases().release({"s1", lease.epoch}, {});
    const SiteLease next = acquire();
    ASSERT_EQ(next.tiers.size(), 1u);
    EXPECT_GE(*next.tiers[0].since_start, std::chrono::minutes{10});
    EXPECT_LT(*next.tiers[0].since_start, std::chrono::minutes{11});
}

}  // namespace
}  // namespace glia
