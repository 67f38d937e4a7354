// Interval statistics: how responses are read, and which intervals are asked for next (spec:
// directory-and-statistics, Statistics).
#include <gtest/gtest.h>

#include "daemon/api/statistics_query.hpp"
#include "daemon/parse/statistics_parser.hpp"
#include "daemon/sync/statistics_schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

const Instant kNoon = *parse_timestamp("2024-01-01T12:00:00Z");
constexpr auto kWait = StatisticsSource::queue_wait;

TEST(StatisticsQuery, EverythingStandsInTheQuery) {
    EXPECT_EQ(
        statistics_query(StatisticsSource::wrap_up, "s 1", {kNoon, 1800s}),
        "/engagements/stats/post_engagement_duration?start_date=2024-01-01T12%3A00%3A00Z"
        "&end_date=2024-01-01T12%3A30%3A00Z&granularity=all&query_type=group_by&dimensions[]=site_id"
        "&dimensions[]=queue_id&dimensions[]=operator_id&filter[type]=and"
        "&filter[fields][0][type]=not&filter[fields][0][field][type]=selector"
        "&filter[fields][0][field][dimension]=site_id&filter[fields][0][field][value]="
        "&filter[fields][1][type]=in&filter[fields][1][dimension]=site_id&filter[fields][1][values][0]=s%201"
        "&filter[fields][2][type]=selector&filter[fields][2][dimension]=user_type"
        "&filter[fields][2][value]=operator");
}

// ------------------------------------------------------------------------------------------- responses

StatisticsPage read(StatisticsSource source, std::string body) {
    const auto parsed = parse_statistics(source, "s1", {kNoon, 1800s}, body);
    EXPECT_TRUE(parsed.value) << parsed.failure.reason;
    return parsed.value.value_or(StatisticsPage());
}
std::vector<QueueWaitCount> waits(const std::string& body) {
    return std::get<0>(read(kWait, body).rows);
}

TEST(RejectedStatistics, AreFoundBySourceAndStart) {
    const RejectedStatistics rejected{kWait, kNoon};
    EXPECT_EQ(to_reject_source(rejected), "statistics queue_wait 2024-01-01T12:00:00Z");
    EXPECT_EQ(rejected_statistics(to_reject_source(rejected)), rejected);
    for (const char* source : {"list", "statistics", "statistics queue_wait", "statistics queue_wait x",
                               "statistics nothing 2024-01-01T12:00:00Z", "operators"})
        EXPECT_EQ(rejected_statistics(source), std::nullopt) << source;
}
TEST(StatisticsParser, ReadsDimensionsAndMeasures) {
    const auto rows = waits(
        R"([{"timestamp":"2024-01-01T12:00:00Z","site_id":"s1","queue_id":"q1","outcome":"finished","from_transfer":"true",)"
        R"("media":"chat","count":3,"seconds":40,"total_duration_in_seconds":41,"average_duration_in_seconds":13.3,)"
        R"("maximum_duration_in_seconds":30,"within_service_level_count":2,"short_duration_count":1}])");
    QueueWaitCount wanted{kNoon, 1800, "s1", "q1", "finished", "true", "chat", 3, 41, 30, 2, 1};
    EXPECT_EQ(rows, std::vector{wanted});
}

TEST(StatisticsParser, WhatIsMissingIsAnEmptyTextOrNone) {
    const auto rows = waits(R"([{"outcome":null,"seconds":40}])");
    QueueWaitCount wanted{kNoon, 1800, "s1", "", "", "", "", {}, 40, {}, {}, {}};
    EXPECT_EQ(rows, std::vector{wanted});
}

TEST(StatisticsParser, EachSourceHasItsColumns) {
    const auto page = read(StatisticsSource::operator_state,
                           R"([{"site_id":"s1","operator_id":"o1","type":"meal-break","seconds":90.4}])");
    EXPECT_EQ(std::get<3>(page.rows),
              (std::vector{OperatorStateTime{kNoon, 1800, "s1", "o1", "meal-break", 90}}));
    EXPECT_TRUE(page.undocumented_members.empty());
    const auto handled =
        read(StatisticsSource::handle,
             R"([{"site_id":"s1","operator_id":"o1","type":"x","end_reason":"y","count":1,"seconds":7}])");
    EXPECT_EQ(std::get<1>(handled.rows),
              (std::vector{HandleCount{kNoon, 1800, "s1", "", "o1", "x", "y", 1, 7}}));
}

TEST(StatisticsParser, ElementsWithTheSameDimensionsAreAddedUp) {
    const auto rows = waits(
        R"([{"queue_id":null,"count":1,"maximum_duration_in_seconds":9},{"queue_id":"","count":2,"maximum_duration_in_seconds":4}])");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].count, 3);
    EXPECT_EQ(rows[0].maximum_seconds, 9);
}

TEST(StatisticsParser, AnotherSiteIsLeftToItsOwnAnswer) {
    EXPECT_TRUE(waits(R"([{"site_id":"s2","count":1}])").empty());
}

TEST(StatisticsParser, ABrokenElementCostsItself) {
    const auto page = read(
        kWait, R"([7,{"site_id":["s1"]},{"queue_id":{},"count":1},{"a" 1},{"queue_id":"q1","count":1}])");
    ASSERT_EQ(page.rejected.size(), 4U);
    EXPECT_EQ(page.rejected[3].payload, R"({"a" 1})");
    EXPECT_EQ(page.rejected[1].payload, R"({"site_id":["s1"]})");
    EXPECT_EQ(page.rejected[1].reason, "a dimension is not a text that can be stored");
    EXPECT_EQ(std::get<0>(page.rows).size(), 1U);
}

TEST(StatisticsParser, ARejectedElementHoldsNoNul) {
    const auto page = read(kWait, R"([{"a" ")" + std::string(1, '\0') + R"("},{"queue_id":"q1","count":1}])");
    ASSERT_EQ(page.rejected.size(), 1U);
    EXPECT_EQ(page.rejected[0].payload, R"({"a" "�"})");
    EXPECT_EQ(std::get<0>(page.rows).size(), 1U);
}

TEST(StatisticsParser, MembersBeyondTheDocumentationAreNoted) {
    const auto page = read(
        kWait, R"([{"from_transfer":true,"count":"3","sentiment":1},{"from_transfer":false,"sentiment":2}])");
    ASSERT_EQ(page.undocumented_members.size(), 2U);
    EXPECT_EQ(page.undocumented_members.at("statistics.queue_wait[].sentiment").times, 2);
    EXPECT_EQ(page.undocumented_members.at("statistics.queue_wait[].count").kind, UndocumentedKind::type);
    EXPECT_EQ(std::get<0>(page.rows).at(1).from_transfer, "true");
    EXPECT_EQ(std::get<0>(page.rows).at(1).count, std::nullopt);
}

TEST(StatisticsParser, ABodyThatIsNoListIsNone) {
    std::string body = R"({"error":"x"})", broken = "[{]";
    EXPECT_FALSE(parse_statistics(kWait, "s1", {kNoon, 1800s}, body).value);
    EXPECT_FALSE(parse_statistics(kWait, "s1", {kNoon, 1800s}, broken).value);
}

// ------------------------------------------------------------------------------------------- schedule

StatisticsSettings settings() {
    return {true, 30min, {{30min, 4h}, {24h, 72h}}};
}
std::vector<StatisticsProgress> read_through(Instant through) {
    std::vector<StatisticsProgress> all;
    for (const StatisticsSource source : kStatisticsSources) all.push_back({source, through, {}, {}});
    return all;
}
StatisticsSchedule schedule(std::vector<StatisticsProgress> progress, bool retry_refused = false) {
    return {settings(), kNoon - 365 * 24h, std::move(progress), retry_refused};
}
/// Performs every request that is due; returns their number.
int read_all(StatisticsSchedule& plan, Instant now) {
    int requests = 0;
    for (auto request = plan.next(now); request; request = plan.next(now), ++requests)
        plan.on_response(*request, now);
    return requests;
}

TEST(StatisticsSchedule, BeginsAsFarBackAsTheTiersReach) {
    auto plan = schedule(read_through(kNoon));
    StatisticsSchedule fresh(settings(), kNoon - 365 * 24h, {}, false);
    EXPECT_EQ(fresh.next(kNoon + 10min)->interval, (StatisticsInterval{kNoon + 30min - 72h, 1800s}));
    EXPECT_EQ(read_all(fresh, kNoon + 10min), 4 * 143);
    EXPECT_EQ(fresh.read_through(), kNoon);
    StatisticsSchedule late(settings(), kNoon - 50min, {}, false);
    EXPECT_EQ(late.next(kNoon)->interval.start, kNoon - 30min);
}

TEST(StatisticsSchedule, AnIntervalIsReadOnceItIsOver) {
    auto plan = schedule(read_through(kNoon));
    EXPECT_FALSE(plan.next(kNoon + 29min));
    EXPECT_EQ(plan.wait(kNoon + 29min), 1min);
    EXPECT_EQ(plan.next(kNoon + 30min), (StatisticsSchedule::Request{kWait, {kNoon, 1800s}}));
}

TEST(StatisticsSchedule, MissedIntervalsAreCaughtUpOldestFirst) {
    auto plan = schedule(read_through(kNoon));
    std::vector<Instant> starts;
    for (auto request = plan.next(kNoon + 90min); request; request = plan.next(kNoon + 90min)) {
        starts.push_back(request->interval.start);
        plan.on_response(*request, kNoon + 90min);
    }
    ASSERT_EQ(starts.size(), 12U);
    EXPECT_TRUE(std::is_sorted(starts.begin(), starts.end()));
    EXPECT_EQ(plan.read_through(), kNoon + 90min);
}

TEST(StatisticsSchedule, AnIntervalIsReadAgainUntilItIsAsOldAsEachTierReaches) {
    StatisticsReading reading{{kNoon, 1800s}, kNoon + 30min};
    std::vector<Instant> again;
    while (const auto next = next_reading(reading, settings().revisit)) {
        again.push_back(*next);
        reading.fetched_at = *next;
    }
    const Instant end = kNoon + 30min;
    ASSERT_EQ(again.size(), 11U);
    EXPECT_EQ(again[0], end + 30min);
    EXPECT_EQ(again[7], end + 4h);
    EXPECT_EQ(again[8], end + 28h);
    EXPECT_EQ(again[10], end + 72h);
}

TEST(StatisticsSchedule, WhatADeadServiceDidNotReadAgainIsReadLate) {
    StatisticsProgress waits{kWait, kNoon + 30min, {}, {{{kNoon, 1800s}, kNoon + 30min}}};
    auto plan = schedule({waits});
    const Instant now = kNoon + 30 * 24h;
    std::size_t again = 0;
    for (auto request = plan.next(now); request; request = plan.next(now)) {
        again += request->source == kWait && request->interval.start == kNoon;
        EXPECT_TRUE(plan.on_response(*request, now).settled || request->interval.end() + 72h > now);
    }
    EXPECT_EQ(again, 1U);
}

TEST(StatisticsSchedule, NoIntervalIsAskedForTwiceInARound) {
    StatisticsSettings often = settings();
    often.revisit = {{1s, 72h}};
    StatisticsSchedule plan(often, kNoon - 365 * 24h, read_through(kNoon), false);
    int requests = 0;
    Instant now = kNoon + 30min;
    for (auto request = plan.next(now); request && requests < 100; ++requests) {
        plan.on_response(*request, now);
        now += 2s;
        request = plan.next(now);
    }
    EXPECT_EQ(requests, 4);
}

TEST(StatisticsSchedule, TheMarkMovesWithoutGaps) {
    auto plan = schedule(read_through(kNoon));
    const auto progress = plan.on_response({kWait, {kNoon + 30min, 1800s}}, kNoon + 2h);
    EXPECT_EQ(progress.read_through, kNoon);
    EXPECT_EQ(plan.on_response({kWait, {kNoon, 1800s}}, kNoon + 2h).read_through, kNoon + 1h);
    EXPECT_EQ(plan.read_through(), kNoon);  // of the other sources
}

TEST(StatisticsSchedule, WhatABackfillHasReadIsNotNew) {
    auto progress = read_through(kNoon);
    for (StatisticsProgress& one : progress) one.readings = {{{kNoon, 3600s}, kNoon + 59min}};
    auto plan = schedule(progress);
    EXPECT_EQ(plan.next(kNoon + 90min)->interval.start, kNoon + 1h);
}

TEST(StatisticsSchedule, ARefusedSourceRestsForADayAndIsCaughtUp) {
    auto plan = schedule(read_through(kNoon));
    plan.on_refused(kWait, kNoon + 30min);
    EXPECT_EQ(read_all(plan, kNoon + 30min), 3);
    EXPECT_EQ(plan.read_through(), kNoon + 30min);
    EXPECT_EQ(plan.next(kNoon + 25h)->interval.start, kNoon);
    auto refused = read_through(kNoon);
    for (StatisticsProgress& one : refused) one.refused_at = kNoon;
    EXPECT_FALSE(schedule(refused).next(kNoon + 23h));
    EXPECT_EQ(schedule(refused).wait(kNoon + 23h), 1h);
    EXPECT_EQ(schedule(refused).read_through(), std::nullopt);
    auto again = schedule(refused, true);
    EXPECT_TRUE(again.next(kNoon + 23h));
    for (const StatisticsSource source : kStatisticsSources) again.on_refused(source, kNoon + 23h);
    EXPECT_FALSE(again.next(kNoon + 23h));
}

TEST(StatisticsSchedule, ASourceThatFailsIsLeftOutAndTheOthersAreRead) {
    auto plan = schedule(read_through(kNoon));
    const auto first = plan.next(kNoon + 90min);
    ASSERT_EQ(first->source, kWait);
    plan.on_error(kWait, {ApiError::Kind::unavailable, 500, "broken"});
    EXPECT_EQ(read_all(plan, kNoon + 90min), 3 * 3);
    EXPECT_EQ(plan.read_through(), kNoon);  // of the source that failed
    EXPECT_EQ(plan.outcome().reason, ExitReason::unavailable);
    EXPECT_EQ(plan.outcome().error, "broken");
}

TEST(StatisticsSchedule, TheMostSevereFailureIsKept) {
    auto plan = schedule(read_through(kNoon));
    plan.on_error(kWait, {ApiError::Kind::refused, 400, "bad request"});
    plan.on_error(StatisticsSource::handle, {ApiError::Kind::unavailable, 200, "no list"});
    EXPECT_TRUE(plan.next(kNoon + 30min));
    EXPECT_EQ(plan.outcome().reason, ExitReason::misconfigured);
    EXPECT_EQ(plan.outcome().error, "bad request");
}

TEST(StatisticsSchedule, AReadingEndsIfTheTokenIsRefusedOrTheProgramStops) {
    for (const auto kind : {ApiError::Kind::credentials, ApiError::Kind::cancelled}) {
        auto plan = schedule(read_through(kNoon));
        plan.on_error(kWait, {kind, 401, "ends"});
        EXPECT_FALSE(plan.next(kNoon + 30min));
        EXPECT_EQ(plan.outcome().error, "ends");
    }
}

TEST(StatisticsSchedule, AReadingEndsIfNothingResponds) {
    const ApiError no_response{ApiError::Kind::unavailable, 0, "no connection"};
    auto plan = schedule(read_through(kNoon));
    plan.on_error(kWait, no_response);
    const auto second = plan.next(kNoon + 30min);
    ASSERT_TRUE(second);
    plan.on_error(second->source, no_response);
    EXPECT_FALSE(plan.next(kNoon + 30min));
    auto slow = schedule(read_through(kNoon));
    slow.on_error(kWait, no_response);
    slow.on_response(*slow.next(kNoon + 30min), kNoon + 30min);
    slow.on_error(slow.next(kNoon + 30min)->source, no_response);
    EXPECT_TRUE(slow.next(kNoon + 30min));
}

TEST(StatisticsSchedule, AnotherLengthBeginsWhereTheOldOneEnded) {
    StatisticsSettings hourly = settings();
    hourly.interval = 1h;
    StatisticsSchedule plan(hourly, kNoon - 365 * 24h, read_through(kNoon + 30min), false);
    EXPECT_EQ(plan.next(kNoon + 3h)->interval, (StatisticsInterval{kNoon + 30min, 1800s}));
    plan.on_response(*plan.next(kNoon + 3h), kNoon + 3h);
    for (int i = 0; i < 3; ++i) plan.on_response(*plan.next(kNoon + 3h), kNoon + 3h);
    EXPECT_EQ(plan.next(kNoon + 3h)->interval, (StatisticsInterval{kNoon + 1h, 3600s}));
}

TEST(StatisticsSchedule, ABackfillReadsTheIntervalsThatBeginInItsWindow) {
    const auto intervals = intervals_between(kNoon + 1min, kNoon + 2h, kNoon + 95min, 30min);
    EXPECT_EQ(intervals, (std::vector<StatisticsInterval>{{kNoon + 30min, 1800s}, {kNoon + 1h, 1800s}}));
}

}  // namespace
}  // namespace glia
