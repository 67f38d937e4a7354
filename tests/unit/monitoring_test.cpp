// What is reported of the service: readiness, the status page, the text of metrics, the state of the writers.
#include <gtest/gtest.h>

#include <barrier>
#include <future>
#include <set>
#include <thread>

#include "daemon/admin/readiness.hpp"
#include "daemon/admin/status_json.hpp"
#include "daemon/admin/status_page.hpp"
#include "daemon/base/thread_pool.hpp"
#include "daemon/sync/health.hpp"
#include "daemon/sync/sink_pool.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

const Instant kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 12h;

SiteStatus site(const std::string& name, Instant success) {
    SiteStatus status;
    status.site_id = name;
    status.synced_through = success;
    status.lag_seconds = 5;
    status.last_success_at = success;
    return status;
}

Gauges gauges(std::vector<SiteStatus> sites) {
    Gauges found;
    found.database_up = true;
    for (const SiteStatus& each : sites) found.sites.push_back(each.site_id);
    found.report.sites = std::move(sites);
    found.poll_every = 60s;
    return found;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(Readiness, ASiteThatWasReadLatelyMakesTheServiceReady) {
    EXPECT_TRUE(judge_readiness(gauges({site("a", kNow - 1min)}), kNow).ready);
}
TEST(Readiness, WithoutADatabaseNothingIsReady) {
    Gauges found = gauges({site("a", kNow - 1min)});
    found.database_up = false;
    EXPECT_FALSE(judge_readiness(found, kNow).ready);
}
TEST(Readiness, OneSiteInOrderIsEnough) {
    SiteStatus failing = site("b", kNow - 1h);
    failing.last_error = "HTTP 403";
    failing.last_error_at = kNow - 1min;
    EXPECT_TRUE(judge_readiness(gauges({site("a", kNow - 1min), failing}), kNow).ready);
    const Readiness alone = judge_readiness(gauges({failing}), kNow);
    EXPECT_FALSE(alone.ready);
    EXPECT_TRUE(has(alone.text, "site b: its last pass failed"));
}
TEST(Readiness, ASiteThatNobodyReadsAnyMoreIsNotInOrder) {
    EXPECT_FALSE(judge_readiness(gauges({site("a", kNow - 11min)}), kNow).ready);
    SiteStatus under_way = site("a", kNow - 3h);
    under_way.lease_owner = "another instance";
    EXPECT_TRUE(judge_readiness(gauges({under_way}), kNow).ready) << "a long pass is no failure";
}
TEST(Readiness, ASiteThatHasNeverBeenReadIsNotInOrder) {
    Gauges found = gauges({});
    found.sites = {"a"};
    EXPECT_FALSE(judge_readiness(found, kNow).ready);
}

TEST(StatusPage, WhatComesFromOutsideIsEscaped) {
    StatusInput input;
    SiteStatus hostile = site("<script>alert(1)</script>\"'&", kNow);
    hostile.last_error = "<b>bold</b>";
    hostile.last_error_at = kNow;
    input.gauges = gauges({hostile});
    const std::string page = status_page(input);
    EXPECT_FALSE(has(page, "<script>alert"));
    EXPECT_FALSE(has(page, "<b>bold"));
    EXPECT_TRUE(has(page, "&lt;b&gt;bold"));
}
TEST(StatusPage, TextsOfErrorsStayOutWhereTheyMayNotBeSeen) {
    StatusInput input;
    SiteStatus failing = site("a", kNow - 1h);
    failing.last_error = "Jane wrote";
    failing.last_error_at = kNow;
    input.gauges = gauges({failing});
    input.history.runs.push_back({"revisit", "a", kNow, kNow, 1, 2, 0, "Jane wrote"});
    input.with_errors = false;
    EXPECT_FALSE(has(status_page(input), "Jane"));
    input.with_errors = true;
    EXPECT_TRUE(has(status_page(input), "Jane wrote"));
}
TEST(StatusPage, AFailureThatRepeatsIsOneRunWithItsNumber) {
    StatusInput input;
    input.gauges = gauges({site("a", kNow)});
    input.history.runs.push_back({"incremental", "a", kNow, kNow, 0, 0, 0, "HTTP 503", 12});
    input.with_errors = true;
    EXPECT_TRUE(has(status_page(input), "HTTP 503 (12 times in a row)"));
}
TEST(StatusPage, FiguresBearTheNamesOfTheirMetrics) {
    StatusInput input;
    input.gauges = gauges({site("a", kNow)});
    input.gauges.report.details_waiting = 1234;
    const std::string page = status_page(input);
    EXPECT_TRUE(has(
        page, "data-metric=\"glia_sync_detail_queue_depth{state=&quot;waiting&quot;}\" data-value=\"1234\""));
    EXPECT_TRUE(has(page, ">1,234<"));
}

TEST(StatusPage, AnEnricherIsShownOnceThereIsOneAndItsErrorWhereThatMayBeSeen) {
    StatusInput input;
    input.gauges = gauges({site("a", kNow)});
    EXPECT_FALSE(has(status_page(input), "Enrichers"));
    input.gauges.report.enrichers = {{"recording", 1234, 5, kNow - 1h, "HTTP 500 for Jane", kNow},
                                     {"transcript", 0, 0, kNow, "HTTP 500", kNow - 1h}};
    const std::string page = status_page(input);
    const auto state_after = [&page](const std::string& kind) {
        const auto state = page.find("data-label=\"State\">", page.find(">" + kind + "</th>"));
        return page.substr(state, page.find('<', state) - state);
    };
    EXPECT_TRUE(state_after("recording").ends_with(">failing"));
    EXPECT_TRUE(state_after("transcript").ends_with(">in order"));
    EXPECT_TRUE(has(
        page,
        "data-metric=\"glia_sync_enrichment_queue_depth{kind=&quot;recording&quot;}\" data-value=\"1234\""));
    EXPECT_TRUE(has(page, "HTTP 500 for Jane"));
    input.with_errors = false;
    EXPECT_FALSE(has(status_page(input), "Jane"));
}

/// Two sites of the configuration, and one that is no longer in it.
StatusInput three_sites() {
    StatusInput input;
    input.gauges = gauges({site("a", kNow), site("b", kNow - 1h), site("gone", kNow)});
    input.gauges.sites = {"b", "a", "new"};
    input.now = kNow;
    return input;
}

TEST(StatusPage, ASiteIsCalledByItsName) {
    StatusInput input = three_sites();
    input.gauges.report.sites[0].name = "Bank & Co";
    const std::string page = status_page(input);
    EXPECT_TRUE(has(page, "<span title=\"a\">Bank &amp; Co</span></th>"));
    EXPECT_TRUE(has(page, "<code>b</code></th>")) << "its id, where it has no name";
    EXPECT_FALSE(has(page, "gone"));
}
TEST(StatusPage, ANameOfSeveralSitesComesWithTheIds) {
    StatusInput input = three_sites();
    input.gauges.report.sites[0].name = "Bank";
    input.gauges.report.sites[1].name = "Bank";
    EXPECT_TRUE(has(status_page(input), "<span title=\"a\">Bank</span> <code>a</code></th>"));
}
TEST(StatusPage, TheVolumeIsComparedOnTheDaysOfWhichSomethingIsExpected) {
    StatusInput input = three_sites();
    EXPECT_TRUE(has(status_page(input), "nothing is counted yet"));
    input.volume_days["a"] = {{20779, 500, std::nullopt, true}, {20780, 90, 100.4, false}};
    EXPECT_TRUE(has(status_page(input), "590 engagements; 90 on 1 of the 2 days, where 100 expected (90 %)"));
    input.volume_days["a"] = {{20780, 1090, 1000, false}};
    EXPECT_TRUE(has(status_page(input), "1,090 engagements, 1,000 expected (109 %)"));
    input.volume_days["a"] = {{20780, 0, 0, false}};
    EXPECT_TRUE(has(status_page(input), "0 engagements, 0 expected</p>"))
        << "no percentage of zero expected engagements";
}
TEST(StatusPage, FailuresAreShownThoughManyRunsHaveEndedSince) {
    StatusInput input = three_sites();
    EXPECT_TRUE(has(status_page(input), "None among the last 0 runs."));
    input.history.runs.assign(250, {"incremental", "a", kNow, kNow, 1, 2, 0, std::nullopt});
    input.history.runs.push_back({"revisit", "a", kNow, kNow, 1, 2, 0, "HTTP 503"});
    EXPECT_TRUE(has(status_page(input), "HTTP 503"));
    EXPECT_EQ(newest_runs(input.history).size(), kRunsShown);
    EXPECT_EQ(failed_runs(input.history).size(), 1U);
}

boost::json::object json_of(const StatusInput& input) {
    return boost::json::parse(status_json(input)).as_object();
}

TEST(StatusJson, TheSitesAreThoseOfTheConfigurationInItsOrder) {
    StatusInput input = three_sites();
    input.gauges.age = 60s;
    const boost::json::object status = json_of(input);
    const boost::json::array& sites = status.at("sites").as_array();
    ASSERT_EQ(sites.size(), 3U);
    EXPECT_EQ(sites[0].at("site_id"), "b");
    EXPECT_EQ(sites[0].at("state"), "in order");
    EXPECT_EQ(sites[0].at("lag_seconds"), 65);
    EXPECT_EQ(sites[2].at("site_id"), "new");
    EXPECT_EQ(sites[2].at("state"), "first pass");
    EXPECT_TRUE(sites[2].at("newest_verification").is_null());
    EXPECT_EQ(sites[2].at("engagements_by_hour").as_array().size(), History::kHours);
    EXPECT_EQ(status.at("generated_at"), "2026-11-24T12:00:00Z");
    EXPECT_EQ(status.at("state"), "in order");
}
TEST(StatusJson, DaysAndVerificationsAreThoseOfThePage) {
    StatusInput input = three_sites();
    input.volume_days["a"] = {{20780, 90, 100.4, false}, {20781, 3, std::nullopt, true}};
    input.history.newest_verifications["a"] = {20000, 9, 8, 1, 2, 3, 4, kNow};
    const boost::json::value site = json_of(input).at("sites").at(1);
    EXPECT_EQ(site.at("volume_days").at(0), boost::json::parse(R"({"day": "2026-11-23", "engagements": 90,
        "expected": 100, "is_holiday": false})"));
    EXPECT_TRUE(site.at("volume_days").at(1).at("expected").is_null());
    EXPECT_EQ(
        site.at("newest_verification"),
        boost::json::parse(R"({"day": "2024-10-04", "listed": 9, "stored": 8, "missing": 1, "different": 2,
        "gone": 3, "repaired": 4, "verified_at": "2026-11-24T12:00:00Z"})"));
}
TEST(StatusJson, TextsOfErrorsStayOutWhereTheyMayNotBeSeen) {
    StatusInput input = three_sites();
    input.gauges.report.sites[1].last_error = "Jane wrote";
    input.gauges.report.sites[1].last_error_at = kNow;
    SiteStatus stream = input.gauges.report.sites[1];
    stream.stream = name_of(Stream::operators);
    input.gauges.report.sites.push_back(stream);
    input.gauges.report.enrichers = {{"recording", 1, 1, kNow, "Jane wrote", kNow}};
    input.history.runs.push_back({"revisit", "a", kNow, kNow, 1, 2, 0, "Jane wrote"});
    std::string text = status_json(input);
    std::size_t found = 0;
    for (auto at = text.find("Jane"); at != std::string::npos; at = text.find("Jane", at + 1)) ++found;
    EXPECT_EQ(found, 5U) << "site, stream, enricher, run and failed run";
    EXPECT_EQ(json_of(input).at("state"), "1 of 3 sites failing");
    input.with_errors = false;
    EXPECT_FALSE(has(status_json(input), "Jane"));
    EXPECT_TRUE(json_of(input).at("failed_runs").at(0).at("error").is_string());
}

TEST(MetricsText, SitesOfTheConfigurationAreShownAndOthersAreNot) {
    Gauges found = gauges({site("a", kNow), site("gone", kNow)});
    found.sites = {"a", "new"};
    found.leases_held = {"a"};
    const std::string text = Metrics().text(found);
    EXPECT_TRUE(has(text, "glia_sync_site_lag_seconds{site=\"a\",stream=\"engagements\"} 5"));
    EXPECT_TRUE(has(text, "glia_sync_site_lease_held{site=\"a\",stream=\"engagements\"} 1"));
    EXPECT_TRUE(
        has(text, "glia_sync_site_last_success_timestamp_seconds{site=\"new\",stream=\"engagements\"} 0"));
    EXPECT_FALSE(has(text, "site=\"gone\""));
}
TEST(MetricsText, TheLagGrowsWhileTheDatabaseIsAway) {
    Gauges found = gauges({site("a", kNow)});
    found.age = 60s;
    EXPECT_TRUE(
        has(Metrics().text(found), "glia_sync_site_lag_seconds{site=\"a\",stream=\"engagements\"} 65"));
}
TEST(MetricsText, CountersAreThereFromTheStart) {
    const std::string text = Metrics().text({});
    EXPECT_TRUE(has(text, "glia_sync_engagements_total{outcome=\"rejected\"} 0"));
    EXPECT_TRUE(has(text, "glia_sync_transactions_total{result=\"failed\"} 0"));
    EXPECT_FALSE(has(text, "glia_sync_token_expiry_timestamp_seconds"))
        << "the expiry of the token is unknown";
}

TEST(HealthTest, TheSummaryNamesTheFirstFailure) {
    Health health;
    health.begins("a");
    EXPECT_EQ(health.being_read(), std::vector<std::string>{"a"});
    EXPECT_EQ(health.summary(2), "0 of 2 sites read since the start");
    health.ends("a", "HTTP 403");
    EXPECT_EQ(health.summary(2), "1 of 2 sites failing; site a: HTTP 403");
    health.ends("a", "");
    EXPECT_EQ(health.summary(1), "1 site in order");
    EXPECT_TRUE(health.being_read().empty());
}

TEST(ThreadPoolTest, AThreadThatIsFreeIsCalledAgainBeforeAnotherIsNeeded) {
    Runtime runtime;
    ThreadPool pool(runtime, 3);
    std::barrier all(3);
    const int code = runtime.run(
        [&]() -> Task<int> {
            const auto meet = [](ThreadPool& threads, std::barrier<>& others, WaitGroup& tasks) -> Task<> {
                const std::function<void(std::size_t)> work = [&](std::size_t) { others.arrive_and_wait(); };
                co_await threads.run_on(work);
                tasks.remove();
            };
            WaitGroup tasks(runtime);
            for (int i = 0; i < 3; ++i) {
                tasks.add();
                runtime.spawn(meet(pool, all, tasks));
            }
            co_await tasks.wait();  // each has its call: three threads are at work at once
            std::set<std::size_t> used;
            for (int i = 0; i < 20; ++i) {
                const std::function<void(std::size_t)> work = [&](std::size_t thread) {
                    used.insert(thread);
                };
                co_await pool.run_on(work);
            }
            EXPECT_EQ(used.size(), 1U);
            co_return 0;
        },
        10s);
    EXPECT_EQ(code, 0);
}

TEST(StoreSilence, IsThatOfAWriterWhoseStatementDoesNotEnd) {
    Runtime runtime;
    CancellationScope scope(runtime);
    Metrics metrics;
    std::promise<void> go_on;
    {
        SinkPool sink_pool(
            scope, [] { return std::make_unique<::simulation::ModelDatabase>(); }, 2, 0, metrics);
        EXPECT_EQ(sink_pool.longest_silence(), 0ms) << "nobody works";
        auto hold = go_on.get_future().share();
        const int code = runtime.run(
            [&]() -> Task<int> {
                const auto work = [hold](Sink&) {
                    SinkPool::mark_progress();
                    hold.wait();
                };
                auto wait = [](SinkPool& sinks, std::function<void(Sink&)> call, WaitGroup& done) -> Task<> {
                    co_await sinks.run(call);
                    done.remove();
                };
                WaitGroup done(runtime);
                done.add();
                runtime.spawn(wait(sink_pool, work, done));
                AsyncCondition pause(runtime);
                while (sink_pool.longest_silence() < 50ms) co_await pause.wait_for(10ms);
                go_on.set_value();
                co_await done.wait();
                EXPECT_EQ(sink_pool.longest_silence(), 0ms) << "the call has ended";
                co_return 0;
            },
            1000ms);
        EXPECT_EQ(code, 0);
    }
}

TEST(AsyncCondition, WakesAllOrTheOneThatHasWaitedLongest) {
    Runtime runtime;
    std::string woken;
    const int code = runtime.run(
        [&]() -> Task<int> {
            AsyncCondition signal(runtime);
            WaitGroup done(runtime);
            auto wait = [](AsyncCondition& on, char name, std::string& names, WaitGroup& tasks) -> Task<> {
                co_await on.wait();
                names += name;
                tasks.remove();
            };
            signal.notify_one();  // nobody waits yet, so nobody is woken by it
            for (const char name : {'a', 'b', 'c', 'd'}) {
                done.add();
                runtime.spawn(wait(signal, name, woken, done));
            }
            AsyncCondition pause(runtime);
            co_await pause.wait_for(1ms);
            EXPECT_EQ(woken, "");
            signal.notify_one();
            co_await pause.wait_for(1ms);
            EXPECT_EQ(woken, "a");
            signal.notify_one();
            signal.notify_one();
            co_await pause.wait_for(1ms);
            EXPECT_EQ(woken, "abc");
            signal.notify();
            co_await done.wait();
            EXPECT_EQ(woken, "abcd");
            co_return 0;
        },
        1000ms);
    EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace glia
