// What is told of the service: readiness, the status page, the text of metrics, the state of the writers.
#include <gtest/gtest.h>

#include <barrier>
#include <future>
#include <set>
#include <thread>

#include "daemon/admin/readiness.hpp"
#include "daemon/admin/status_page.hpp"
#include "daemon/base/workers.hpp"
#include "daemon/sync/health.hpp"
#include "daemon/sync/store.hpp"
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
    StatusFacts facts;
    SiteStatus hostile = site("<script>alert(1)</script>\"'&", kNow);
    hostile.last_error = "<b>bold</b>";
    hostile.last_error_at = kNow;
    facts.gauges = gauges({hostile});
    const std::string page = status_page(facts);
    EXPECT_FALSE(has(page, "<script>alert"));
    EXPECT_FALSE(has(page, "<b>bold"));
    EXPECT_TRUE(has(page, "&lt;b&gt;bold"));
}
TEST(StatusPage, TextsOfErrorsStayOutWhereTheyMayNotBeSeen) {
    StatusFacts facts;
    SiteStatus failing = site("a", kNow - 1h);
    failing.last_error = "Jane wrote";
    failing.last_error_at = kNow;
    facts.gauges = gauges({failing});
    facts.history.runs.push_back({"revisit", "a", kNow, kNow, 1, 2, 0, "Jane wrote"});
    facts.with_errors = false;
    EXPECT_FALSE(has(status_page(facts), "Jane"));
    facts.with_errors = true;
    EXPECT_TRUE(has(status_page(facts), "Jane wrote"));
}
TEST(StatusPage, AFailureThatRepeatsIsOneRunWithItsNumber) {
    StatusFacts facts;
    facts.gauges = gauges({site("a", kNow)});
    facts.history.runs.push_back({"incremental", "a", kNow, kNow, 0, 0, 0, "HTTP 503", 12});
    facts.with_errors = true;
    EXPECT_TRUE(has(status_page(facts), "HTTP 503 (12 times in a row)"));
}
TEST(StatusPage, FiguresBearTheNamesOfTheirMetrics) {
    StatusFacts facts;
    facts.gauges = gauges({site("a", kNow)});
    facts.gauges.report.details_waiting = 1234;
    const std::string page = status_page(facts);
    EXPECT_TRUE(has(
        page, "data-metric=\"glia_sync_detail_queue_depth{state=&quot;waiting&quot;}\" data-value=\"1234\""));
    EXPECT_TRUE(has(page, ">1,234<"));
}

TEST(StatusPage, AnEnricherIsShownOnceThereIsOneAndItsErrorWhereThatMayBeSeen) {
    StatusFacts facts;
    facts.gauges = gauges({site("a", kNow)});
    EXPECT_FALSE(has(status_page(facts), "Enrichers"));
    facts.gauges.report.enrichers = {{"recording", 1234, 5, kNow - 1h, "HTTP 500 for Jane", kNow},
                                     {"transcript", 0, 0, kNow, "HTTP 500", kNow - 1h}};
    const std::string page = status_page(facts);
    EXPECT_TRUE(has(page, "<td>recording</td><td class=\"bad\">failing</td>"));
    EXPECT_TRUE(has(page, "<td>transcript</td><td class=\"good\">in order</td>"));
    EXPECT_TRUE(has(
        page,
        "data-metric=\"glia_sync_enrichment_queue_depth{kind=&quot;recording&quot;}\" data-value=\"1234\""));
    EXPECT_TRUE(has(page, "HTTP 500 for Jane"));
    facts.with_errors = false;
    EXPECT_FALSE(has(status_page(facts), "Jane"));
}

TEST(MetricsText, SitesOfTheConfigurationAreToldAndOthersAreNot) {
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
    EXPECT_FALSE(has(text, "glia_sync_token_expiry_timestamp_seconds")) << "nothing is known of the token";
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

TEST(WorkersTest, AThreadThatIsFreeIsCalledAgainBeforeAnotherIsNeeded) {
    Runtime runtime;
    Workers workers(runtime, 3);
    std::barrier all(3);
    const int code = runtime.run(
        [&]() -> Task<int> {
            const auto meet = [](Workers& part, std::barrier<>& others, Latch& latch) -> Task<> {
                const std::function<void(std::size_t)> work = [&](std::size_t) { others.arrive_and_wait(); };
                co_await part.run_on(work);
                latch.remove();
            };
            Latch latch(runtime);
            for (int i = 0; i < 3; ++i) {
                latch.add();
                runtime.spawn(meet(workers, all, latch));
            }
            co_await latch.wait();  // each has its call: three threads are at work at once
            std::set<std::size_t> used;
            for (int i = 0; i < 20; ++i) {
                const std::function<void(std::size_t)> work = [&](std::size_t thread) {
                    used.insert(thread);
                };
                co_await workers.run_on(work);
            }
            EXPECT_EQ(used.size(), 1U);
            co_return 0;
        },
        10s);
    EXPECT_EQ(code, 0);
}

TEST(StoreSilence, IsThatOfAWriterWhoseStatementDoesNotEnd) {
    Runtime runtime;
    Scope scope(runtime);
    Metrics metrics;
    std::promise<void> go_on;
    {
        Store store(
            scope, [] { return std::make_unique<::simulation::ModelDatabase>(); }, 2, 0, metrics);
        EXPECT_EQ(store.longest_silence(), 0ms) << "nobody works";
        auto hold = go_on.get_future().share();
        const int code = runtime.run(
            [&]() -> Task<int> {
                const auto work = [hold](Sink&) {
                    Store::mark_progress();
                    hold.wait();
                };
                auto wait = [](Store& part, std::function<void(Sink&)> call, Latch& done) -> Task<> {
                    co_await part.run(call);
                    done.remove();
                };
                Latch done(runtime);
                done.add();
                runtime.spawn(wait(store, work, done));
                Signal pause(runtime);
                while (store.longest_silence() < 50ms) co_await pause.wait_for(10ms);
                go_on.set_value();
                co_await done.wait();
                EXPECT_EQ(store.longest_silence(), 0ms) << "the call has ended";
                co_return 0;
            },
            1000ms);
        EXPECT_EQ(code, 0);
    }
}

TEST(Signal, WakesAllOrTheOneThatHasWaitedLongest) {
    Runtime runtime;
    std::string woken;
    const int code = runtime.run(
        [&]() -> Task<int> {
            Signal signal(runtime);
            Latch done(runtime);
            auto wait = [](Signal& on, char name, std::string& names, Latch& latch) -> Task<> {
                co_await on.wait();
                names += name;
                latch.remove();
            };
            signal.notify_one();  // nobody waits yet, so nobody is woken by it
            for (const char name : {'a', 'b', 'c', 'd'}) {
                done.add();
                runtime.spawn(wait(signal, name, woken, done));
            }
            Signal pause(runtime);
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
