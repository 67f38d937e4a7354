// Figures that were once wrong, each against a hand-made set whose answers were worked out by hand.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Figures : public SinkTest {
  protected:
    /// A leg of the operator o1, with times in seconds after noon; `ended` below 0: ongoing.
    static Leg timed_leg(const std::string& id, const char* queue, int requested, int accepted, int ended) {
        Leg l = leg(id);
        l.operator_id = "o1";
        l.site_id = "s1";
        l.request_queues = {};
        if (queue) l.request_queues = {{queue, "Queue"}};
        l.request_type = "reactive";
        l.requested_at = kNoon + Seconds{requested};
        l.accepted_at = kNoon + Seconds{accepted};
        l.ended_at.reset();
        if (ended >= 0) {
            l.ended_at = kNoon + Seconds{ended};
            l.duration = ended - accepted;
        }
        return l;
    }
    void add(const std::string& id, std::vector<Leg> legs, OptionalFlag video = {}, OptionalFlag audio = {},
             OptionalFlag cobrowsing = {}) {
        Engagement e = engagement(id);
        e.queues = {};
        for (Leg& l : legs) l.id = id + l.id.str();
        e.legs = std::move(legs);
        e.video_used = video;
        e.audio_used = audio;
        e.cobrowsing_used = cobrowsing;
        commit({detailed(e)});
    }
    static Leg used(const char* visitor, const char* op, const char* accepted, OptionalFlag cobrowsing = {}) {
        Leg l = timed_leg("l", "q1", 0, 10, 20);
        if (visitor) l.highest_visitor_media_type = visitor;
        if (op) l.highest_operator_media_type = op;
        if (accepted) l.accepted_media_type = accepted;
        l.used_cobrowsing = cobrowsing;
        return l;
    }
    /// Inserts what the source counted in the half hour that begins `start` seconds after noon.
    void count(const char* outcome, int number, int start, int within = 0) {
        sql("INSERT INTO queue_wait_intervals SELECT t, 1800, 's1', 'q1', '" + std::string(outcome) +
            "', 'false', 'chat', " + std::to_string(number) + ", 0, 0, " + std::to_string(within) +
            ", 0 FROM (SELECT timestamptz '2024-01-01 12:00Z' + interval '1 second' * " +
            std::to_string(start) +
            ") AS x (t); INSERT INTO statistics_readings SELECT 's1', k, timestamptz '2024-01-01 12:00Z' + "
            "interval '1 second' * " +
            std::to_string(start) +
            ", 1800, now(), true FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k ON CONFLICT DO "
            "NOTHING; SELECT 1");
    }
};

TEST_F(Figures, TheMediumHasOneColumnWithAPrecedence) {
    add("a", {used("video", "text", "text")}, false, false);  // the flags disagree with the leg
    add("b", {used("text", "text", "text")}, false, true);
    add("c", {used(nullptr, nullptr, "phone")});
    add("d", {used(nullptr, nullptr, nullptr)});
    add("e", {used(nullptr, nullptr, nullptr)}, false, false);
    add("f", {used("text", nullptr, "video")});  // accepted with video, used for text
    EXPECT_EQ(sql("SELECT engagement_id, media, richest_media FROM engagement_facts ORDER BY 1"),
              "a|video|text\nb|audio|audio\nc|audio|text\nd|NULL|text\ne|text|text\nf|text|text");
    EXPECT_EQ(sql("SELECT engagement_id, media FROM leg_facts ORDER BY 1"),
              "a|video\nb|text\nc|audio\nd|NULL\ne|NULL\nf|text");
}
TEST_F(Figures, CoBrowsingOfAnEngagementAndOfItsLegsMayDisagree) {
    add("a", {used(nullptr, nullptr, nullptr, true)}, {}, {}, false);
    add("b", {used(nullptr, nullptr, nullptr, false)}, {}, {}, true);
    add("c", {used(nullptr, nullptr, nullptr)});
    add("d", {used(nullptr, nullptr, nullptr)}, {}, {}, false);
    EXPECT_EQ(sql("SELECT engagement_id, cobrowsing, cobrowsing_used, cobrowsing_in_legs FROM "
                  "engagement_facts ORDER BY 1"),
              "a|t|f|t\nb|t|t|f\nc|NULL|NULL|NULL\nd|f|f|NULL");
}
TEST_F(Figures, WhetherItStayedInItsQueueFallsBackOnNothing) {
    add("a", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", "q2", 20, 30, 40)});
    add("b", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", nullptr, 20, 30, 40)});
    add("c", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", "q1", 20, 30, 40)});
    add("d", {timed_leg("1", nullptr, 0, 10, 20), timed_leg("2", "q1", 20, 30, 40)});
    commit({listed(engagement("e"))});
    const std::string query =
        "SELECT engagement_id, first_queue_id, last_queue_id, last_leg_queue_id, stayed_in_queue FROM "
        "engagement_facts ORDER BY 1";
    const std::string expected =
        "a|q1|q2|q2|f\nb|q1|q1|NULL|f\nc|q1|q1|q1|t\nd|NULL|q1|q1|NULL\ne|q1|q1|NULL|NULL";
    EXPECT_EQ(sql(query), expected);
    EXPECT_EQ(sql("SELECT string_agg(queue_id, ',' ORDER BY engagement_id, id) FROM legs"),
              "q1,q2,q1,,q1,q1,,q1");
    // The rows as an earlier version of the program wrote them.
    const std::string legs = "SELECT leg_id, queue_id, queue_name FROM leg_facts ORDER BY 1";
    const std::string before = sql(legs);
    sql("UPDATE legs SET queue_id = NULL RETURNING 1");
    EXPECT_EQ(sql(query), expected);
    EXPECT_EQ(sql(legs), before);
}
TEST_F(Figures, AnEngagementOfTwoSitesCountsOnce) {
    Leg second = timed_leg("2", "q1", 20, 30, 40);
    second.site_id = "s2";
    add("a", {timed_leg("1", "q1", 0, 10, 20), second, timed_leg("3", "q1", 40, 50, 60)});
    add("b", {timed_leg("1", "q1", 0, 10, 20)});
    sql("INSERT INTO engagement_sites VALUES ('a', 's1'), ('a', 's2'), ('b', 's1'); SELECT 1");
    EXPECT_EQ(sql("SELECT site_id, count(*), sum(site_count) FROM engagement_facts GROUP BY 1"), "s1|2|3");
}
TEST_F(Figures, WhatGoesOnHasNoDuration) {
    add("a", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", "q1", 20, 30, -1)});
    add("b", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", "q1", 20, 30, 45)});
    EXPECT_EQ(sql("SELECT engagement_id, ongoing, handle_seconds, duration_seconds, ended_at IS NULL FROM "
                  "engagement_facts ORDER BY 1"),
              "a|t|NULL|NULL|t\nb|f|25|5|f");
}
TEST_F(Figures, AnOngoingLegHasNoDurationWhateverTheSourceShows) {
    add("a", {timed_leg("1", "q1", 0, 10, 20), timed_leg("2", "q1", 20, 30, -1)});
    sql("UPDATE legs SET duration = 7; SELECT 1");
    EXPECT_EQ(sql("SELECT leg_id, handle_seconds FROM leg_facts ORDER BY 1"), "a1|7\na2|NULL");
}
TEST_F(Figures, WhatChangesAfterItWasCompleteIsDistinguishedFromWhatComesLater) {
    const auto state = [this] {
        return sql(
            "SELECT f.changed_at > e.first_seen_at, f.first_complete_at IS NOT NULL, "
            "changed_after_first_complete_at = f.changed_at FROM engagement_facts f JOIN engagements e ON "
            "e.id = f.engagement_id WHERE e.id = 'a'");
    };
    Engagement e = engagement("a");
    commit({listed(e)});
    EXPECT_EQ(state(), "f|f|NULL");
    e.legs = {timed_leg("1", "q1", 0, 10, -1)};
    commit({detailed(e, kNoon + Seconds{1})});
    EXPECT_EQ(state(), "t|f|NULL");
    e.legs = {timed_leg("1", "q1", 0, 10, 20)};
    commit({detailed(e, kNoon + Seconds{2})});
    EXPECT_EQ(state(), "t|t|NULL");
    e.flagged = true;
    commit({detailed(e, kNoon + Seconds{3})});
    EXPECT_EQ(state(), "t|t|t");
    add("b", {timed_leg("1", "q1", 0, 10, 20)});
    EXPECT_EQ(sql("SELECT first_complete_at = changed_at, changed_after_first_complete_at FROM "
                  "engagement_facts WHERE engagement_id = 'b'"),
              "t|NULL");
}
TEST_F(Figures, WhatIsGoneCanBeAskedFor) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    add("b", {timed_leg("1", "q1", 0, 10, 20)});
    sql("UPDATE engagements SET missing_since = '2024-02-01Z' WHERE id = 'a' RETURNING 1");
    sql("INSERT INTO forgotten VALUES ('visitor', '\\x00', '2024-03-01Z'); SELECT 1");
    EXPECT_EQ(sql("SELECT (removed_at AT TIME ZONE 'UTC')::date, kind, engagement_id FROM removals ORDER BY "
                  "removed_at"),
              "2024-02-01|missing|a\n2024-03-01|erased visitor|NULL");
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_facts"), "1");
}
TEST_F(Figures, FreshnessTellsWhatWasReadAndWhatNot) {
    sql("INSERT INTO sync_state (site_id, synced_from, synced_through) VALUES "
        "('s1', '2024-03-01Z', '2024-03-10Z'), ('s2', NULL, '2024-03-10Z'), ('s3', '2024-03-01Z', NULL); "
        "INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, finished_at) "
        "VALUES ('2024-01-01Z', '2024-01-31Z', false, 60, '{s1,s2}', now()), "
        "('2024-02-20Z', '2024-03-01Z', false, 60, '{s1}', now()), "
        "('2024-02-01Z', '2024-02-15Z', false, 60, '{s1}', NULL); "
        "INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to, done) VALUES "
        "(3, 's1', '2024-02-10Z', '2024-02-11Z', true), (3, 's1', '2024-02-11Z', '2024-02-12Z', false); "
        "SELECT 1");
    EXPECT_EQ(
        sql("SET timezone = 'UTC'; SELECT site_id, complete_from::date, loaded_from::date, gaps = "
            "tstzmultirange(tstzrange('2024-01-31', '2024-02-10'), tstzrange('2024-02-11', '2024-02-20')), "
            "gaps = '{}' FROM freshness ORDER BY 1"),
        "s1|2024-02-20|2024-01-01|t|f\n"
        "s2|NULL|2024-01-01|f|t\n"  // where the service began is not known
        "s3|NULL|NULL|NULL|NULL");
}
TEST_F(Figures, ReportsDistinguishWhoAskedWhenAndWhetherTheSiteWasOpen) {
    Leg proactive = timed_leg("1", "q1", 60, 90, 100);
    proactive.request_type = "proactive";
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    add("b", {proactive});
    add("c", {timed_leg("1", "q1", 1790, 1810, 1900)});  // requested in one half hour, accepted in the next
    sql("INSERT INTO business_hours VALUES ('s1', 1, '09:00', '12:30'), ('s1', 2, '09:00', '17:00'); "
        "SELECT 1");
    const std::string columns =
        "SELECT (interval_start AT TIME ZONE 'UTC')::time, accepted_legs, accepted_reactive, "
        "accepted_proactive, reactive_waits, reactive_wait_seconds, reactive_within_threshold, "
        "requested_legs, requested_accepted, requested_wait_seconds, requested_within_threshold, "
        "accepted_legs_in_business_hours FROM ";
    EXPECT_EQ(sql(columns + "queue_report('2024-01-01 12:00Z', '2024-01-01 13:00Z') ORDER BY 1"),
              "12:00:00|2|1|1|1|10|1|3|3|60|2|2\n12:30:00|1|1|0|1|20|1|0|0|NULL|0|0");
    EXPECT_EQ(sql(columns + "queue_report('2024-01-01', '2024-01-02', '1 day', 'UTC')"),
              "00:00:00|3|2|1|2|30|2|3|3|60|2|2");
    sql("INSERT INTO holidays VALUES ('s1', '2024-01-01'); SELECT 1");
    EXPECT_EQ(sql("SELECT accepted_legs, accepted_legs_in_business_hours FROM queue_report('2024-01-01', "
                  "'2024-01-02', '1 day', 'UTC')"),
              "3|0");
    sql("DELETE FROM business_hours RETURNING 1");
    EXPECT_EQ(sql("SELECT accepted_legs, accepted_legs_in_business_hours FROM queue_report('2024-01-01', "
                  "'2024-01-02', '1 day', 'UTC')"),
              "3|NULL");
}
TEST_F(Figures, SumsOfIntervalsMakeTheFiguresOfADay) {
    count("finished", 9, 0, 8);
    count("canceled", 1, 0);
    count("finished", 1, 1800, 0);
    count("canceled", 1, 1800);
    sql("INSERT INTO business_hours VALUES ('s1', 1, '12:15', '18:00'); SELECT 1");
    // 10 % and 50 % of two half hours are 2 of 12 of the day, not 30 %.
    EXPECT_EQ(sql("SELECT abandonment_rate FROM queue_report('2024-01-01', '2024-01-02') ORDER BY "
                  "interval_start"),
              "0.1\n0.5");
    EXPECT_EQ(sql("SELECT abandoned, offered, abandonment_rate = 2.0 / 12, service_level = 8.0 / 12, "
                  "offered_in_business_hours, abandoned_in_business_hours, answered_in_business_hours, "
                  "short_abandoned_in_business_hours, answered_within_service_level_in_business_hours "
                  "FROM queue_report('2024-01-01', '2024-01-02', '1 day', 'UTC')"),
              "2|12|t|t|2|1|1|0|0");
}
TEST_F(Figures, EmptyIntervalsAreThereWhereAskedFor) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    count("finished", 1, 1800);
    EXPECT_EQ(sql("SELECT (interval_start AT TIME ZONE 'UTC')::time, queue_id, accepted_legs, offered, "
                  "abandonment_rate FROM queue_report('2024-01-01 11:30Z', '2024-01-01 13:30Z', "
                  "empty_intervals => true) ORDER BY 1"),
              "11:30:00|q1|0|NULL|NULL\n12:00:00|q1|1|NULL|NULL\n12:30:00|q1|0|1|0\n"
              "13:00:00|q1|0|NULL|NULL");
    EXPECT_EQ(sql("SELECT (interval_start AT TIME ZONE 'UTC')::time, operator_id, accepted_legs, "
                  "busy_seconds, logged_in_seconds FROM operator_report('2024-01-01 11:30Z', '2024-01-01 "
                  "12:30Z', empty_intervals => true) ORDER BY 1"),
              "11:30:00|o1|0|0|NULL\n12:00:00|o1|1|10|NULL");
    EXPECT_EQ(sql("SELECT count(*) FROM queue_report('2024-01-01 11:30Z', '2024-01-01 13:30Z')"), "2");
}
TEST_F(Figures, AbandonmentThatTheApiDoesNotShowIsNoZero) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    EXPECT_EQ(sql("SELECT ended_unaccepted FROM queue_hourly"), "NULL");
    EXPECT_EQ(sql("SELECT offered, abandoned, abandonment_rate FROM queue_intervals WHERE day = '2024-01-01 "
                  "00:00Z'"),
              "NULL|NULL|NULL");
}
TEST_F(Figures, HoursAndDaysHaveSumsBesideAverages) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    add("b", {timed_leg("1", "q1", 0, 30, 130)});
    EXPECT_EQ(sql("SELECT accept_waits, accept_wait_seconds, ended_legs, leg_seconds, transfers_out, "
                  "reactive_legs, reactive_waits, reactive_wait_seconds, reactive_within_20_seconds, "
                  "average_seconds_to_accept, average_handle_seconds FROM queue_hourly"),
              "2|40|2|110|0|2|2|40|1|20|55");
    EXPECT_EQ(sql("SELECT ended_legs, handle_seconds, accept_waits, accept_wait_seconds FROM operator_daily"),
              "2|110|2|40");
}
TEST_F(Figures, ARangeOfHoursOrDaysReachesTheTables) {
    sql("INSERT INTO legs (engagement_id, id, position, operator_id, queue_id, requested_at, accepted_at, "
        "ended_at) SELECT md5(n::text), 'l', 0, 'o1', 'q1', t, t, t FROM (SELECT n, timestamptz "
        "'2024-01-01Z' + n * interval '1 minute' AS t FROM generate_series(1, 40000) n) x; SELECT 1");
    database.sql("ANALYZE glia.legs");
    for (const char* rows : {"queue_hourly WHERE hour >= '2024-01-02Z' AND hour < '2024-01-03Z'",
                             "operator_daily WHERE day >= '2024-01-02' AND day < '2024-01-03'",
                             "leg_facts WHERE accepted_at >= '2024-01-02Z' AND accepted_at < '2024-01-03Z'",
                             "leg_facts WHERE requested_at < '2024-01-02Z'"}) {
        const std::string plan = sql(std::string("SET enable_seqscan = off; EXPLAIN SELECT * FROM ") + rows);
        EXPECT_NE(plan.find("Bitmap Index Scan on legs_times_brin"), std::string::npos) << plan;
    }
}

// ---------------------------------------------------------------------------------------------- time zones
TEST_F(Figures, AnIntervalOfTheSourceCountsWhereItBegins) {
    count("finished", 4, 0);
    count("finished", 3, 1800);
    count("canceled", 1, 1800);
    count("finished", 5, 3600);
    const auto report = [this](const std::string& grain) {
        return sql(
            "SELECT (interval_start AT TIME ZONE 'UTC')::time, offered, statistics_seconds, "
            "statistics_share FROM queue_report('2024-01-01 11:15Z', '2024-01-01 14:15Z', '" +
            grain + "', 'Asia/Kathmandu') ORDER BY 1");
    };
    // Nepal is 5:45 ahead, so its hours begin at a quarter past in UTC. In the hour from 11:15 only the half
    // hour from 12:00 begins.
    EXPECT_EQ(report("1 hour"), "11:15:00|4|1800|0.5\n12:15:00|9|3600|1");
    EXPECT_EQ(report("30 minutes"), "11:45:00|4|1800|1\n12:15:00|4|1800|1\n12:45:00|5|1800|1");
    EXPECT_EQ(report("1 day"), "18:15:00|13|5400|0.0625");
    EXPECT_EQ(report("15 minutes"), "");  // half hours do not fit into quarters
}
TEST_F(Figures, ADayOfTheSourceCountsOnADayOf23Hours) {
    sql("INSERT INTO queue_wait_intervals VALUES ('2024-03-31Z', 86400, 's1', 'q1', 'finished', 'false', "
        "'chat', 7, 0, 0, 0, 0); INSERT INTO statistics_readings SELECT 's1', k, '2024-03-31Z', 86400, "
        "now(), true FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k; SELECT 1");
    EXPECT_EQ(sql("SELECT offered, statistics_share FROM queue_report('2024-03-31 Europe/Tallinn', "
                  "'2024-04-01 Europe/Tallinn', '1 day', 'Europe/Tallinn')"),
              "7|1");
    EXPECT_EQ(sql("SELECT count(*), sum(offered) FROM queue_report('2024-03-31Z', '2024-04-01Z', '1 hour')"),
              "0|NULL");
}
TEST_F(Figures, AnOperatorsTimeCountsWhereItsIntervalBegins) {
    sql("INSERT INTO operator_state_intervals VALUES ('2024-01-01 12:00Z', 1800, 's1', 'o1', 'chat', 600), "
        "('2024-01-01 12:30Z', 1800, 's1', 'o1', 'chat', 900), ('2024-01-01 13:00Z', 1800, 's1', 'o1', "
        "'engaged', 300); INSERT INTO statistics_readings SELECT 's1', 'operator_state', interval_start, "
        "1800, now(), true FROM operator_state_intervals; SELECT 1");
    EXPECT_EQ(sql("SELECT (interval_start AT TIME ZONE 'UTC')::time, logged_in_seconds, occupancy, "
                  "statistics_share FROM operator_report('2024-01-01 11:15Z', '2024-01-01 14:15Z', '1 hour', "
                  "'Asia/Kathmandu') ORDER BY 1"),
              "11:15:00|600|0|0.5\n12:15:00|1200|0.25|1");
}
TEST_F(Figures, ADayIsTheSameInEverySession) {
    count("finished", 4, 0);
    count("finished", 2, 12 * 3600);  // midnight, UTC: the next day
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    for (const char* zone : {"UTC", "America/New_York", "Asia/Tokyo"}) {
        EXPECT_EQ(sql(std::string("SET timezone = '") + zone +
                      "'; SELECT sum(offered), min(day) FROM queue_intervals WHERE day >= '2024-01-01' AND "
                      "day < '2024-01-02'"),
                  "4|2024-01-01")
            << zone;
        EXPECT_EQ(sql(std::string("SET timezone = '") + zone +
                      "'; SELECT sum(busy_seconds), min(day) FROM operator_intervals WHERE day = "
                      "'2024-01-01'"),
                  "10|2024-01-01")
            << zone;
    }
}
// --------------------------------------------------------------------------------------------- populations
TEST_F(Figures, AServiceLevelByAThresholdThatTheSourceDoesNotCountByIsNoFigure) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    add("b", {timed_leg("1", "q1", 0, 40, 50)});
    count("finished", 4, 0, 3);
    sql("INSERT INTO business_hours VALUES ('s1', 1, '09:00', '18:00'); SELECT 1");
    const auto report = [this](const std::string& threshold) {
        return sql(
            "SELECT service_level, answered_within_service_level, "
            "answered_within_service_level_in_business_hours, answered, reactive_within_threshold, "
            "service_level_of_accepted FROM queue_report('2024-01-01 12:00Z', '2024-01-01 12:30Z'" +
            threshold + ")");
    };
    EXPECT_EQ(report(""), "0.75|3|3|4|1|0.5");
    EXPECT_EQ(report(", threshold => '60 seconds'"), "NULL|NULL|NULL|4|2|1");
    EXPECT_EQ(report(", threshold => '20 seconds'"), "NULL|NULL|NULL|4|1|0.5");
}
TEST_F(Figures, OfferedIsTheSumOfItsParts) {
    sql("INSERT INTO queue_wait_intervals SELECT '2024-01-01 12:00Z', 1800, 's1', 'q1', o, t, 'chat', n, s, "
        "s, "
        "0, 0 FROM (VALUES ('finished', 'false', 4, 80), ('finished', 'true', 2, 10), ('canceled', 'false', "
        "1, 50), ('disconnected', 'true', 1, 30), ('fallback', 'false', 3, 90), ('rerouted', 'true', 1, 40)) "
        "x (o, t, n, s); INSERT INTO statistics_readings SELECT 's1', k, '2024-01-01 12:00Z', 1800, now(), "
        "true FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k; SELECT 1");
    EXPECT_EQ(
        sql("SELECT offered, answered, abandoned, passed_on, other_outcomes, offered_transfers, "
            "offered_wait_seconds, answer_wait_seconds, abandonment_rate = 2.0 / 12 FROM queue_intervals "
            "WHERE day = '2024-01-01'"),
        "12|6|2|3|1|4|300|90|t");
}
TEST_F(Figures, ATransferRateOfLegsHasThoseWithoutAQueue) {
    Leg first = timed_leg("1", "q1", 0, 10, 20), second = timed_leg("2", nullptr, 20, 30, 40);
    first.end_reason = "transfer";
    second.end_reason = "transfer";
    add("a", {first, second, timed_leg("3", nullptr, 40, 50, 60)});
    add("b", {timed_leg("1", "q1", 0, 10, 20)});
    add("c", {timed_leg("1", "q1", 0, 10, -1)});
    // The formulas of the dictionary.
    EXPECT_EQ(sql("SELECT count(*) FILTER (WHERE transferred_out)::float8 / count(ended_at) FROM leg_facts"),
              "0.5");
    EXPECT_EQ(sql("SELECT sum(transfers_out), sum(ended_legs) FROM queue_hourly"), "1|2");
}
TEST_F(Figures, AResponseIsWhatTheVisitorWaitsForAndASilenceIsNot) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    sql("INSERT INTO chat_messages (engagement_id, position, sender_type, type, created_at) SELECT 'a', n, "
        "s, "
        "k, timestamptz '2024-01-01 12:00Z' + t * interval '1 second' FROM (VALUES "
        "(0, 'operator', 'user', 0), (1, 'visitor', 'user', 5), (2, 'visitor', 'user', 15), "
        "(3, 'operator', 'suggestion', 35), (4, 'operator', 'user', 100), (5, 'visitor', 'user', 400), "
        "(6, 'operator', 'user', 420), (7, 'visitor', 'user', 430)) m (n, s, k, t); SELECT 1");
    // 5 to 35 and 400 to 420; nobody answers what was written at 430.
    EXPECT_EQ(sql("SELECT seconds_to_first_response, longest_silence_seconds FROM chat_facts"), "30|300");
    EXPECT_EQ(
        sql("SELECT seconds, (visitor_wrote_at AT TIME ZONE 'UTC')::time FROM chat_responses ORDER BY 2"),
        "30|12:00:05\n20|12:06:40");
    sql("UPDATE engagements SET missing_since = now() RETURNING 1");
    EXPECT_EQ(sql("SELECT count(*) FROM chat_responses"), "0");
}
TEST_F(Figures, StatisticsOfABackfillAreFresh) {
    sql("INSERT INTO sync_state (site_id, synced_from, synced_through) VALUES ('s1', '2024-01-01Z', "
        "'2024-01-02Z'); INSERT INTO statistics_readings SELECT 's1', k, timestamptz '2024-01-01 12:00Z' + n "
        "* interval '30 minutes', 1800, now(), true FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k, "
        "generate_series(0, CASE k WHEN 'handle' THEN 1 ELSE 2 END) n; SELECT 1");
    const std::string query = "SELECT (statistics_through AT TIME ZONE 'UTC')::time FROM freshness";
    EXPECT_EQ(sql(query), "NULL");  // operators' states were never read
    sql("INSERT INTO statistics_readings VALUES ('s1', 'operator_state', '2024-01-01 14:00Z', 1800, now(), "
        "true); SELECT 1");
    EXPECT_EQ(sql(query), "13:00:00");
    sql("INSERT INTO statistics_state (site_id, source, read_through) VALUES ('s1', 'handle', '2024-01-01 "
        "12:30Z'); SELECT 1");
    EXPECT_EQ(sql(query), "12:30:00");
    sql("INSERT INTO statistics_state (site_id, source, refused_at) VALUES ('s1', 'operator_state', now()); "
        "DELETE FROM statistics_readings WHERE source = 'operator_state' RETURNING 1");
    EXPECT_EQ(sql(query), "12:30:00");  // a source that is refused is not waited for
}
TEST_F(Figures, StatisticsBeginWhenAllSourcesHaveBeenRead) {
    sql("INSERT INTO sync_state (site_id, synced_from, synced_through) VALUES ('s1', '2024-01-01Z', "
        "'2024-01-02Z'); INSERT INTO statistics_readings SELECT 's1', k, timestamptz '2024-01-01 12:00Z' + n "
        "* interval '30 minutes', 1800, now(), true FROM unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k, "
        "generate_series(CASE k WHEN 'handle' THEN 1 ELSE 0 END, 3) n; SELECT 1");
    const auto range = [this] {
        return sql(
            "SELECT (statistics_from AT TIME ZONE 'UTC')::time, (statistics_through AT TIME ZONE "
            "'UTC')::time FROM freshness");
    };
    const auto read_operators = [this](const std::string& time) {
        sql("INSERT INTO statistics_readings VALUES ('s1', 'operator_state', '2024-01-01 " + time +
            "Z', 1800, now(), true); SELECT 1");
    };
    EXPECT_EQ(range(), "NULL|NULL");  // operators' states were never read
    read_operators("14:00");          // where the other sources end
    EXPECT_EQ(range(), "NULL|14:00:00");
    read_operators("13:00");
    EXPECT_EQ(range(), "13:00:00|14:00:00");
    sql("INSERT INTO statistics_state (site_id, source, refused_at) VALUES ('s1', 'operator_state', now()); "
        "INSERT INTO statistics_state (site_id, source, read_through) VALUES ('s1', 'wrap_up', '2024-01-01 "
        "13:30Z'); SELECT 1");
    EXPECT_EQ(range(), "12:30:00|13:30:00");
}
TEST_F(Figures, OpeningHoursEndAtTheLimitsOfTheRange) {
    sql("INSERT INTO business_hours VALUES ('s1', 1, '09:00', '17:00'); SELECT 1");
    const auto hours = [this](const std::string& range) {
        return sql("SET timezone = 'UTC'; SELECT site_id, hours FROM open_hours(" + range + ")");
    };
    EXPECT_EQ(hours("'2024-01-01 10:00Z', '2024-01-01 16:00Z'"),
              "s1|{[\"2024-01-01 10:00:00+00\",\"2024-01-01 16:00:00+00\")}");
    EXPECT_EQ(hours("'2024-01-01 16:30Z', '2024-01-08 09:30Z'"),
              "s1|{[\"2024-01-01 16:30:00+00\",\"2024-01-01 17:00:00+00\"),"
              "[\"2024-01-08 09:00:00+00\",\"2024-01-08 09:30:00+00\")}");
    EXPECT_EQ(hours("'2024-01-01 17:00Z', '2024-01-08 09:00Z'"), "s1|{}");
}
TEST_F(Figures, AnOngoingLegMakesItsOperatorBusyUntilNowAndForADayAtMost) {
    add("a", {timed_leg("1", "q1", 0, 10, -1)});
    EXPECT_EQ(sql("SELECT day, sum(busy_seconds) FROM operator_intervals WHERE day >= '2024-01-01' AND day < "
                  "'2024-01-05' GROUP BY day ORDER BY day"),
              "2024-01-01|43190\n2024-01-02|43210");
    sql("UPDATE legs SET requested_at = t, accepted_at = t FROM (SELECT date_trunc('day', now(), 'UTC') - "
        "interval '1 hour') x (t); SELECT 1");
    const auto busy = [this](const std::string& what, const std::string& days) {
        return sql("SELECT " + what +
                   " FROM operator_intervals WHERE day >= (now() AT TIME ZONE 'UTC')::date - 7 AND "
                   "day < (now() AT TIME ZONE 'UTC')::date" +
                   days);
    };
    EXPECT_EQ(busy("sum(busy_seconds)", ""), "3600");  // whole days, as in the dictionary
    EXPECT_EQ(busy("abs(sum(busy_seconds) - least(86400, 3600 + date_part('epoch', now() - "
                   "date_trunc('day', now(), 'UTC')))) < 0.001",
                   " + 1"),
              "t");
}
TEST_F(Figures, ALegCountsTheSameHoweverLongTheRangeIs) {
    add("a", {timed_leg("1", "q1", 0, 10, -1)});
    EXPECT_EQ(sql("SELECT sum(busy_seconds), max(most_at_once) FROM operator_report('2024-01-01Z', "
                  "'2024-02-01Z', '1 day')"),
              "86400|1");
    EXPECT_EQ(sql("SELECT sum(busy_seconds) FROM operator_report('2024-01-02Z', '2024-01-03Z', '1 day')"),
              "43210");
}
TEST_F(Figures, StatisticsOfAnOperatorAreKnownIfThoseOfAllItsSitesWereRead) {
    sql("INSERT INTO operator_state_intervals VALUES ('2024-01-01 12:00Z', 1800, 's1', 'o1', 'chat', 600), "
        "('2024-01-01 12:00Z', 1800, 's1', 'o2', 'chat', 700); INSERT INTO statistics_readings VALUES ('s1', "
        "'operator_state', '2024-01-01 12:00Z', 1800, now(), true); SELECT 1");
    const auto at_second_site = [this](const std::string& id, const char* op) {
        Leg leg = timed_leg("1", "q1", 0, 10, 20);
        leg.operator_id = op;
        leg.site_id = "s2";
        add(id, {leg});
    };
    at_second_site("a", "o2");
    at_second_site("b", "o3");
    const auto report = [this] {
        return sql(
            "SELECT operator_id, logged_in_seconds, statistics_share FROM operator_report('2024-01-01 "
            "12:00Z', '2024-01-01 12:30Z') ORDER BY 1");
    };
    EXPECT_EQ(report(), "o1|600|1\no2|NULL|0\no3|NULL|0");
    sql("INSERT INTO statistics_readings VALUES ('s2', 'operator_state', '2024-01-01 12:00Z', 1800, now(), "
        "true); SELECT 1");
    EXPECT_EQ(report(), "o1|600|1\no2|700|1\no3|0|1");
}
TEST_F(Figures, ALimitWithinAnIntervalLosesNothingOfIt) {
    sql("INSERT INTO queue_wait_intervals SELECT t, 1800, 's1', 'q1', 'finished', 'false', 'chat', 1, 0, 0, "
        "0, "
        "0 FROM generate_series(timestamptz '2026-10-31 21:00Z', '2026-10-31 21:30Z', '30 minutes') t; "
        "INSERT INTO statistics_readings SELECT 's1', k, t, 1800, now(), true FROM "
        "unnest(ARRAY['queue_wait', 'handle', 'wrap_up']) k, generate_series(timestamptz '2026-10-31 "
        "21:00Z', '2026-10-31 21:30Z', '30 minutes') t; SELECT 1");
    EXPECT_EQ(sql("SELECT offered FROM queue_report('2026-09-01 Europe/Tallinn', '2026-10-01 00:30 "
                  "Europe/Tallinn', '1 month', 'Europe/Tallinn')"),
              "2");
}
TEST_F(Figures, AllReadIsProvedByEmptyIntervalsOnly) {
    count("finished", 3, 0);
    const auto all_read = [this](const std::string& more) {
        return sql(
            "SELECT bool_and(statistics_share = 1), sum(offered) FROM queue_report('2024-01-01 12:00Z', "
            "'2024-01-01 13:00Z'" +
            more + ")");
    };
    EXPECT_EQ(all_read(""), "t|3");
    EXPECT_EQ(all_read(", empty_intervals => true"), "f|3");
}
TEST_F(Figures, AServiceLevelByMediumCountsThoseWhoWereAnswered) {
    sql("INSERT INTO queue_wait_intervals VALUES "
        "('2024-01-01 12:00Z', 1800, 's1', 'q1', 'finished', 'false', 'chat', 4, 80, 60, 3, 2), "
        "('2024-01-01 12:00Z', 1800, 's1', 'q1', 'canceled', 'false', 'chat', 2, 20, 15, 2, 1), "
        "('2024-01-01 12:00Z', 1800, 's1', 'q1', 'disconnected', 'false', 'chat', 1, 40, 40, 0, 0), "
        "('2024-01-01 12:00Z', 1800, 's1', 'q1', 'canceled', 'false', 'audio', 2, 60, 35, 1, 0); SELECT 1");
    // The formulas of the dictionary: 3 of 7 - 1 for chats, 0 of 2 for calls.
    EXPECT_EQ(sql("SELECT media, sum(count) AS offered, coalesce(sum(within_service_level) FILTER (WHERE "
                  "outcome = 'finished'), 0)::float8 / nullif(sum(count) - coalesce(sum(short) FILTER (WHERE "
                  "outcome IN ('canceled', 'disconnected')), 0), 0) AS service_level FROM "
                  "queue_wait_intervals GROUP BY media ORDER BY media"),
              "audio|2|0\nchat|7|0.5");
    EXPECT_EQ(sql("SELECT (sum(total_seconds) / sum(count))::float8 FROM queue_wait_intervals WHERE outcome "
                  "IN ('canceled', 'disconnected')"),
              "24");
}
TEST_F(Figures, TheFirstNameHoldsForTheTimeBeforeIt) {
    add("a", {timed_leg("1", "q1", 0, 10, 20)});
    add("b", {timed_leg("1", "q1", 43190, 43199, 43300)});
    add("c", {timed_leg("1", "q1", 43190, 43200, 43300)});
    sql("INSERT INTO name_history (kind, id, valid_from, valid_to, name) VALUES ('operator', 'o1', "
        "'2024-01-01 13:00Z', '2024-01-02Z', 'Ann'), ('operator', 'o1', '2024-01-02Z', NULL, 'Anne'); "
        "SELECT 1");
    // The join of the dictionary.
    EXPECT_EQ(
        sql("SELECT l.engagement_id, h.name FROM leg_facts l LEFT JOIN (SELECT id, name, coalesce(valid_to, "
            "'infinity') AS valid_to, CASE WHEN valid_from > min(valid_from) OVER (PARTITION BY id) THEN "
            "valid_from ELSE '-infinity' END AS valid_from FROM name_history WHERE kind = 'operator') h ON "
            "h.id = l.operator_id AND l.accepted_at >= h.valid_from AND l.accepted_at < h.valid_to ORDER BY "
            "1"),
        "a|Ann\nb|Ann\nc|Anne");
}

}  // namespace
}  // namespace glia
