// Interval statistics on a real PostgreSQL, and the views by interval against a hand-made set whose answers
// were worked out by hand.
#include <gtest/gtest.h>

#include "sinks/sink_error.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

const StatisticsInterval kHalfHour{kNoon, Seconds{1800}};

QueueWaitCount waits(const char* queue, const char* outcome, std::int64_t count, std::int64_t seconds,
                     std::int64_t within = 0, std::int64_t brief = 0, Instant start = kNoon) {
    return {start, 1800, "s1", queue, outcome, "false", "chat", count, seconds, seconds, within, brief};
}

class Intervals : public SinkTest {
  protected:
    StatisticsResponse response(StatisticsRows rows, Instant when = kNoon + Seconds{3600},
                                StatisticsInterval interval = kHalfHour) const {
        StatisticsResponse one;
        one.source = static_cast<StatisticsSource>(rows.index());
        one.interval = interval;
        one.rows = std::move(rows);
        one.fetched_at = when;
        return one;
    }
    SiteTarget lease(const std::string& site = "s1") const {
        return sink->site_leases()
            .acquire({site, Stream::statistics}, "me", Seconds{60}, true)
            .lease->target();
    }
    StatisticsCounts count(const StatisticsResponse& one, OptionalInstant read_through = {},
                           bool settled = true) {
        return sink->statistics().commit({lease(), "s1", read_through, settled}, one);
    }
    /// Adds an engagement with one leg of an operator; times in seconds after noon.
    void add_leg(const std::string& id, const char* op, const char* queue, int requested, int accepted,
                 int ended) {
        Engagement e = engagement(id);
        Leg l = leg("l1");
        l.operator_id = op;
        l.site_id = "s1";
        l.request_queues = {{queue, "Queue"}};
        l.requested_at = kNoon + Seconds{requested};
        l.accepted_at = kNoon + Seconds{accepted};
        l.ended_at = kNoon + Seconds{ended};
        l.duration = ended - accepted;
        e.legs = {l};
        FetchedEngagement fetched = detailed(e);
        fetched.site_id = "s1";
        commit({fetched});
    }
    std::string at_noon(const std::string& columns, const std::string& view,
                        const std::string& more = "") const {
        return database.sql("SET search_path = glia; SET timezone = 'UTC'; SELECT " + columns + " FROM " +
                            view + " WHERE day = '2024-01-01' " + more);
    }
};

TEST_F(Intervals, AnAnswerReplacesWhatWasThereAndWritesNothingElse) {
    EXPECT_EQ(count(response(std::vector{waits("q1", "finished", 3, 60), waits("q1", "canceled", 1, 9)})),
              (StatisticsCounts{2, 0, false}));
    EXPECT_EQ(count(response(std::vector{waits("q1", "finished", 3, 60), waits("q1", "canceled", 1, 9)})),
              (StatisticsCounts{0, 0, false}));
    EXPECT_EQ(count(response(std::vector{waits("q1", "finished", 4, 70), waits("q2", "finished", 1, 2)})),
              (StatisticsCounts{2, 1, false}));
    EXPECT_EQ(sql("SELECT queue_id, outcome, count, total_seconds FROM queue_wait_intervals ORDER BY 1"),
              "q1|finished|4|70\nq2|finished|1|2");
    EXPECT_EQ(count(response(std::vector<QueueWaitCount>{})), (StatisticsCounts{0, 2, false}));
}
TEST_F(Intervals, AnOlderAnswerOverwritesNoNewerOne) {
    count(response(std::vector{waits("q1", "finished", 3, 60)}));
    EXPECT_TRUE(count(response(std::vector{waits("q1", "finished", 9, 9)}, kNoon + Seconds{3599})).stale);
    EXPECT_EQ(sql("SELECT count FROM queue_wait_intervals"), "3");
}
TEST_F(Intervals, AnAnswerWithABrokenElementRemovesNothing) {
    count(response(std::vector{waits("q1", "finished", 3, 60), waits("q2", "finished", 1, 1)}));
    StatisticsResponse partial = response(std::vector{waits("q1", "finished", 4, 60)});
    partial.rejected = {{std::nullopt, "7", "bad"}};
    EXPECT_EQ(count(partial), (StatisticsCounts{1, 0, false}));
    EXPECT_EQ(sql("SELECT queue_id, count FROM queue_wait_intervals ORDER BY 1"), "q1|4\nq2|1");
}
TEST_F(Intervals, ALostLeaseWritesNothing) {
    const SiteTarget lost = lease();
    sink->site_leases().acquire({"s1", Stream::statistics}, "me", Seconds{60}, true);
    EXPECT_THROW(
        sink->statistics().commit({lost, "s1", {}, false}, response(std::vector{waits("q1", "x", 1, 1)})),
        SinkError);
    EXPECT_EQ(sql("SELECT (SELECT count(*) FROM queue_wait_intervals) + (SELECT count(*) FROM "
                  "statistics_readings)"),
              "0");
}
TEST_F(Intervals, ProgressShowsWhatIsStillToBeRead) {
    count(response(std::vector{waits("q1", "finished", 3, 60)}), kNoon + Seconds{1800}, false);
    count(response(std::vector<QueueWaitCount>{}, kNoon, {kNoon - Seconds{1800}, Seconds{1800}}), {}, true);
    const auto before = sink->statistics().progress("s1").at(0);
    EXPECT_EQ(before.read_through, kNoon + Seconds{1800});
    EXPECT_EQ(before.readings, (std::vector<StatisticsReading>{{kHalfHour, kNoon + Seconds{3600}}}));
    EXPECT_TRUE(
        sink->statistics().refuse(lease(), StatisticsSource::queue_wait, "403", kNoon, Seconds{86400}));
    EXPECT_FALSE(
        sink->statistics().refuse(lease(), StatisticsSource::queue_wait, "403", kNoon, Seconds{86400}));
    EXPECT_EQ(sink->statistics().progress("s1").at(0).refused_at, kNoon);
    count(response(std::vector{waits("q1", "finished", 3, 60)}));
    EXPECT_EQ(sink->statistics().progress("s1").at(0).refused_at, std::nullopt);
    EXPECT_EQ(sink->statistics().progress("s1").at(0).read_through, kNoon + Seconds{1800});
}
TEST_F(Intervals, ALongerIntervalTakesThePlaceOfShorterOnes) {
    const StatisticsInterval second{kNoon + Seconds{1800}, Seconds{1800}};
    count(response(std::vector{waits("q1", "finished", 1, 1)}));
    count(response(std::vector{waits("q1", "finished", 2, 2, 0, 0, second.start)}, kNoon + Seconds{3600},
                   second));
    QueueWaitCount hour = waits("q1", "finished", 3, 3);
    hour.interval_seconds = 3600;
    count(response(std::vector{hour}, kNoon + Seconds{7200}, {kNoon, Seconds{3600}}));
    EXPECT_EQ(sql("SELECT interval_seconds, count FROM queue_wait_intervals"), "3600|3");
    EXPECT_EQ(sql("SELECT interval_seconds FROM statistics_readings"), "3600");
    EXPECT_EQ(sink->statistics().length_read("s1", StatisticsSource::queue_wait, kNoon), Seconds{3600});
    EXPECT_EQ(sink->statistics().length_read("s1", StatisticsSource::queue_wait, second.start), std::nullopt);
}
TEST_F(Intervals, ALongerIntervalResolvesWhatWasRejectedOfShorterOnes) {
    const StatisticsInterval second{kNoon + Seconds{1800}, Seconds{1800}};
    StatisticsResponse broken = response(std::vector<QueueWaitCount>{}, kNoon + Seconds{3600}, second);
    broken.rejected.push_back(RejectedRecord{});
    count(broken);
    EXPECT_EQ(sql("SELECT source, resolved_at IS NULL FROM rejected_records"),
              "statistics queue_wait 2024-01-01T12:30:00Z|t");
    count(response(std::vector<QueueWaitCount>{}, kNoon + Seconds{7200}, {kNoon, Seconds{3600}}));
    EXPECT_EQ(sql("SELECT resolved_at IS NULL FROM rejected_records"), "f");
}

// ---------------------------------------------------------------------------------------------- views

TEST_F(Intervals, AQueuesHalfHourHasThoseWhoGaveUp) {
    add_leg("a", "o1", "q1", 0, 10, 110);
    add_leg("b", "o2", "q1", 60, 90, 390);
    add_leg("c", "o1", "q1", 1790, 1800, 1900);  // the next half hour
    count(response(std::vector{waits("q1", "finished", 4, 80, 3, 0), waits("q1", "canceled", 2, 50, 1, 1),
                               waits("q1", "disconnected", 1, 40, 0, 0), waits("q1", "fallback", 1, 99, 0, 0),
                               waits("q1", "rerouted", 2, 5, 2, 2)}));
    count(
        response(std::vector{HandleCount{kNoon, 1800, "s1", "q1", "o1", "reactive", "engagement_end", 3, 600},
                             HandleCount{kNoon, 1800, "s1", "q1", "o2", "reactive", "transfer", 1, 200}}));
    count(response(std::vector{WrapUpCount{kNoon, 1800, "s1", "q1", "o1", 2, 40}}));
    EXPECT_EQ(
        at_noon("interval_start::time, accepted_legs, accepted_engagements, accepted_transfers, "
                "accepted_within_20_seconds, accept_wait_seconds, longest_accept_wait_seconds, ended_legs, "
                "leg_seconds, average_seconds_to_accept, service_level_of_accepted, average_leg_seconds",
                "queue_intervals", "ORDER BY 1"),
        "12:00:00|2|2|0|1|40|30|2|400|20|0.5|200\n12:30:00|1|1|0|1|10|10|1|100|10|1|100");
    EXPECT_EQ(at_noon("offered, answered, abandoned, short_abandoned, passed_on, other_outcomes, "
                      "answered_within_service_level, answer_wait_seconds, longest_wait_seconds, handled, "
                      "handle_seconds, wrap_up_seconds, statistics_seconds",
                      "queue_intervals", "ORDER BY interval_start"),
              "10|4|3|1|1|2|3|80|99|4|800|40|1800\n"
              "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0");  // not read
    EXPECT_EQ(at_noon("abandonment_rate, abandonment_rate_without_short = 2.0 / 9, service_level = 3.0 / 9, "
                      "average_seconds_to_answer, average_handle_seconds, in_business_hours",
                      "queue_intervals", "AND offered > 0"),
              "0.3|t|t|20|210|NULL");
    // The half hour that was counted begins in one hour of Nepal's time and ends in the next.
    EXPECT_EQ(
        sql("SELECT interval_start AT TIME ZONE 'UTC', accepted_legs, accepted_within_threshold, offered, "
            "statistics_seconds FROM queue_report('2024-01-01 12:10Z', '2024-01-01 12:11Z', '1 hour', "
            "'Asia/Kathmandu', '5 seconds') WHERE queue_id = 'q1'"),
        "2024-01-01 11:15:00|2|0|10|1800");
    EXPECT_EQ(
        sql("SELECT interval_start AT TIME ZONE 'UTC', offered, accepted_legs, accepted_within_threshold "
            "FROM queue_report('2024-01-01', '2024-01-02', '1 month', 'Europe/Tallinn', '30 seconds')"),
        "2023-12-31 22:00:00|10|3|3");
    // Half hours do not fit into quarters.
    EXPECT_EQ(sql("SELECT sum(accepted_legs), sum(offered) FROM queue_report('2024-01-01', '2024-01-02', '15 "
                  "minutes')"),
              "3|NULL");
}
TEST_F(Intervals, NothingCountedIsZeroOnlyWhereItWasAskedFor) {
    add_leg("a", "o1", "q1", 0, 10, 110);
    EXPECT_EQ(at_noon("offered, abandoned, abandonment_rate, handled, wrap_up_seconds", "queue_intervals"),
              "NULL|NULL|NULL|NULL|NULL");
    count(response(std::vector<QueueWaitCount>{}));
    EXPECT_EQ(at_noon("offered, abandoned, abandonment_rate, handled, wrap_up_seconds", "queue_intervals"),
              "0|0|NULL|NULL|NULL");
    QueueWaitCount unknown = waits("q1", "finished", 1, 5);
    unknown.count.reset();
    count(response(std::vector{unknown}));
    EXPECT_EQ(at_noon("offered, abandonment_rate, answer_wait_seconds", "queue_intervals"), "NULL|NULL|5");
}
TEST_F(Intervals, AnOperatorsHalfHourHasTheTimeWithOneLegAndWithMore) {
    add_leg("a", "o1", "q1", 0, 100, 400);
    add_leg("b", "o1", "q1", 0, 200, 300);
    add_leg("c", "o1", "q1", 0, 300, 350);    // touches b: two at once, not three
    add_leg("d", "o1", "q1", 0, 1700, 2000);  // into the next half hour
    add_leg("e", "o2", "q1", 0, 0, 10);
    const auto state = [](const char* name, std::int64_t seconds) {
        return OperatorStateTime{kNoon, 1800, "s1", "o1", name, seconds};
    };
    count(response(std::vector{state("chat", 300), state("engaged", 600), state("post-engagement", 100),
                               state("advanced-admin", 50), state("meal-break", 200), state("novelty", 20)}));
    EXPECT_EQ(
        at_noon("operator_id, interval_start::time, accepted_legs, ended_legs, leg_seconds, busy_seconds, "
                "parallel_seconds, most_at_once, first_activity::time, last_activity::time",
                "operator_intervals", "ORDER BY 1, 2"),
        "o1|12:00:00|4|4|750|400|150|2|12:01:40|12:30:00\n"
        "o1|12:30:00|0|0|NULL|200|0|1|12:30:00|12:33:20\n"
        "o2|12:00:00|1|1|10|10|0|1|12:00:00|12:00:10");
    EXPECT_EQ(at_noon("operator_id, logged_in_seconds, available_seconds, engaged_seconds, wrap_up_seconds, "
                      "administrative_seconds, pause_seconds, occupancy, statistics_seconds",
                      "operator_intervals", "ORDER BY 1, interval_start"),
              "o1|1270|1000|600|100|50|220|0.7|1800\n"
              "o1|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0\n"
              "o2|0|0|0|0|0|0|NULL|1800");
    EXPECT_EQ(sql("SELECT operator_id, busy_seconds, parallel_seconds, most_at_once, logged_in_seconds, "
                  "statistics_seconds FROM operator_report('2024-01-01', '2024-01-02', '1 day') ORDER BY 1"),
              "o1|600|150|2|1270|1800\no2|10|0|1|0|1800");
}
TEST_F(Intervals, ReportsHaveWholeIntervalsOfTheTimeZone) {
    const auto edges = [this](const std::string& arguments) {
        return sql(
            "SELECT string_agg(to_char(t AT TIME ZONE 'UTC', 'MM-DD HH24:MI'), ' ' ORDER BY t) FROM "
            "unnest(interval_edges(" +
            arguments + ")) t");
    };
    EXPECT_EQ(edges("'2024-03-30 10:00Z', '2024-04-01 10:00Z', '1 day', 'Europe/Tallinn'"),
              "03-29 22:00 03-30 22:00 03-31 21:00 04-01 21:00");  // summer time begins
    EXPECT_EQ(edges("'2024-10-27 00:10Z', '2024-10-27 02:00Z', '1 hour', 'Europe/Tallinn'"),
              "10-27 00:00 10-27 01:00 10-27 02:00");  // 3 o'clock twice
    EXPECT_EQ(edges("'2024-01-31 23:00Z', '2024-02-01', '1 month', 'UTC'"), "01-01 00:00 02-01 00:00");
    EXPECT_EQ(edges("'2024-01-03', '2024-01-08', '1 week', 'UTC'"), "01-01 00:00 01-08 00:00");
    EXPECT_EQ(edges("'2024-01-01 00:20Z', '2024-01-01 00:30Z', '15 minutes', 'UTC'"),
              "01-01 00:15 01-01 00:30");
    EXPECT_ANY_THROW(edges("'2024-01-03', '2024-01-08', '7 minutes', 'UTC'"));
    EXPECT_ANY_THROW(edges("'2024-01-03', '2024-01-03', '1 day', 'UTC'"));
}
TEST_F(Intervals, BusinessHoursAreThoseOfTheSite) {
    sql("INSERT INTO sites (id, name, iana_time_zone, content_hash, first_seen_at, changed_at) VALUES "
        "('s1', 'Bank', 'Europe/Tallinn', '\\x00', now(), now()); "
        "INSERT INTO business_hours SELECT 's1', d, '09:00', '14:30' FROM generate_series(1, 5) d; "
        "INSERT INTO holidays VALUES ('s1', '2024-01-02'); SELECT 1");
    for (int i = 0; i < 2; ++i)
        add_leg("a" + std::to_string(i), "o1", "q1", i * 1800, i * 1800, i * 1800 + 1);
    EXPECT_EQ(at_noon("interval_start_local, in_business_hours", "queue_intervals", "ORDER BY 1"),
              "2024-01-01 14:00:00|t\n2024-01-01 14:30:00|f");
    EXPECT_EQ(
        sql("SELECT in_business_hours('s1', '2024-01-02 12:00Z'), in_business_hours('s1', '2024-01-03 "
            "12:00Z'), "
            "in_business_hours('s1', '2024-01-06 12:00Z'), in_business_hours('s2', '2024-01-03 12:00Z')"),
        "f|t|f|NULL");
}
TEST_F(Intervals, TransfersGoFromOneLegToTheNext) {
    Engagement e = engagement("e1");
    Leg first = leg("a"), second = leg("b"), third = leg("c");
    first.operator_id = "o1";
    first.accepted_at = kNoon;
    first.ended_at = kNoon + Seconds{100};
    second.operator_id = "o2";
    second.requested_at = kNoon + Seconds{90};
    second.accepted_at = kNoon + Seconds{130};
    second.ended_at = kNoon + Seconds{200};
    second.request_queues = {{"q2", "Second"}};
    third.operator_id = "o1";
    third.requested_at = kNoon + Seconds{190};
    third.accepted_at = kNoon + Seconds{195};
    third.request_queues = {};
    e.legs = {first, second, third};
    commit({detailed(e)});
    EXPECT_EQ(sql("SELECT from_operator_id, to_operator_id, from_queue_id, to_queue_id, seconds_to_accept, "
                  "seconds_lost FROM transfers ORDER BY accepted_at"),
              "o1|o2|q1|q2|40|30\no2|o1|q2|NULL|5|0");
}
TEST_F(Intervals, ARepeatContactIsTheSameVisitorsNext) {
    const auto contact = [this](const char* id, OptionalText visitor, std::int64_t days) {
        Engagement e = engagement(id);
        e.visitor_id = visitor;
        e.created_at = kNoon + Seconds{days * 86400};
        FetchedEngagement fetched = listed(e);
        commit({fetched});
    };
    contact("a", "v1", 0);
    contact("b", "v2", 1);
    contact("c", "v1", 1);
    contact("d", "v1", 6);
    contact("e", "v1", 60);
    contact("f", std::nullopt, 61);
    EXPECT_EQ(
        sql("SELECT engagement_id, previous_engagement_id, days_since_previous, within_1_day, within_7_days, "
            "within_30_days FROM repeat_contacts ORDER BY 1"),
        "a|NULL|NULL|f|f|f\nb|NULL|NULL|f|f|f\nc|a|1|t|t|t\nd|c|5|f|t|t\ne|d|54|f|f|f\nf|NULL|NULL|NULL|NULL|"
        "NULL");
}
TEST_F(Intervals, AChatHasItsFirstResponseAndItsLongestSilence) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    sql("INSERT INTO chat_messages (engagement_id, position, sender_type, created_at) SELECT 'e1', n, s, "
        "timestamptz '2024-01-01 12:00Z' + t * interval '1 second' FROM (VALUES (0, 'operator', 0), (1, "
        "'visitor', 10), "
        "(2, 'visitor', 20), (3, 'system', 25), (4, 'operator', 50), (5, 'visitor', 55), (6, 'operator', "
        "NULL)) "
        "AS m (n, s, t); SELECT 1");
    EXPECT_EQ(sql("SELECT engagement_id, messages, messages_by_visitor, messages_by_operator, "
                  "seconds_to_first_response, longest_silence_seconds FROM chat_facts"),
              "e1|5|3|2|40|30");
}
TEST_F(Intervals, ARangeOfDaysReachesTheTables) {
    sql("INSERT INTO legs (engagement_id, id, position, operator_id, accepted_at, ended_at) "
        "SELECT md5(n::text), 'l', 0, 'o1', timestamptz '2024-01-01' + n * interval '1 minute', "
        "timestamptz '2024-01-01' + (n + 1) * interval '1 minute' FROM generate_series(1, 100000) n; SELECT "
        "1");
    database.sql("ANALYZE glia.legs");
    const std::string plan = sql(
        "EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM operator_intervals WHERE day >= '2024-01-01' AND day < "
        "'2024-01-02'");
    EXPECT_NE(plan.find("loops=1)"), std::string::npos) << plan;  // the function is called for one day
    EXPECT_EQ(at_noon("count(*), sum(busy_seconds), max(most_at_once)", "operator_intervals"), "48|86340|1");
}

}  // namespace
}  // namespace glia
