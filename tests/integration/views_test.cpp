// The views for analysts, against a hand-made set of engagements whose answers were worked out by hand.
#include <gtest/gtest.h>

#include "sinks/postgres/postgres_sink.hpp"
#include "sinks/timestamp.hpp"
#include "tests/integration/database.hpp"

namespace glia {
namespace {

Instant at(const std::string& clock) {
    return *parse_timestamp("2024-01-01T" + clock + "Z");
}

Leg leg(const std::string& id, const char* op, const char* queue, const char* requested, const char* accepted,
        const char* ended, const char* reason) {
    Leg l;
    l.id = id;
    if (op) l.operator_id = op;
    if (queue) l.request_queues = {{queue, std::string("Queue ") + queue}};
    l.requested_at = at(requested);
    if (accepted) l.accepted_at = at(accepted);
    if (ended) l.ended_at = at(ended);
    if (reason) l.end_reason = reason;
    if (accepted && ended) {
        l.duration = std::chrono::duration_cast<std::chrono::seconds>(*l.ended_at - *l.accepted_at).count();
    }
    return l;
}

class Views : public ::testing::Test {
  protected:
    void SetUp() override {
        sink = postgres::open({database.dsn(), "glia"});
        sink->migrate();
        Batch batch;
        // Reached o1 through q1; o1 transferred it through q2 to o2.
        Engagement& a = add(batch, "a", "12:00:00");
        a.engagement_type = "reactive";
        a.queue_wait_time = 42;
        a.video_used = true;
        a.audio_used = true;
        a.legs = {leg("a1", "o1", "q1", "12:00:00", "12:00:10", "12:05:10", "transfer"),
                  leg("a2", "o2", "q2", "12:05:00", "12:05:10", "12:06:50", "visitor_left")};
        a.legs->at(1).request_type = "transfer";
        // Requested by an operator, without a queue.
        add(batch, "b", "12:10:00").legs = {
            leg("b1", "o1", nullptr, "12:10:00", "12:10:05", "12:11:05", "operator_left")};
        // Ongoing.
        add(batch, "c", "12:20:00").legs = {leg("c1", "o2", "q1", "12:20:00", "12:20:30", nullptr, nullptr)};
        // Legs still to be fetched.
        add(batch, "d", "12:25:00").queues = {{"q1", "Queue q1"}};
        // Ended before anybody accepted it.
        add(batch, "e", "12:30:00").legs = {
            leg("e1", nullptr, "q1", "12:30:00", nullptr, "12:31:00", "visitor_left")};
        batch.rejected = {{{"f", "{}", "created_at is missing"}, RecordSource::list, "s1"}};

        const SiteAcquired acquired = sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true);
        PassCheckpoint done;
        done.target = SiteTarget{"s1", acquired.lease->epoch};
        done.pass.from = at("00:00:00");
        done.complete = true;
        done.watermark = at("13:00:00");
        sink->commit(batch, done);
    }
    static Engagement& add(Batch& batch, const std::string& id, const char* created) {
        FetchedEngagement fetched;
        fetched.engagement.id = id;
        fetched.engagement.created_at = at(created);
        fetched.fetched_at = at("13:00:00");
        fetched.site_id = "s1";
        batch.engagements.reserve(10);  // keeps the references valid
        return batch.engagements.emplace_back(std::move(fetched)).engagement;
    }
    std::string ask(const std::string& columns, const std::string& rest) const {
        return database.sql("SET search_path = glia; SET timezone = 'UTC'; SELECT " + columns + " FROM " +
                            rest);
    }

    Database database;
    std::unique_ptr<Sink> sink;
};

TEST_F(Views, AnEngagementHasItsOperatorsItsQueuesAndItsTransfers) {
    EXPECT_EQ(ask("engagement_id, legs_known, legs, transfers, first_operator_id, last_operator_id, "
                  "first_queue_id, "
                  "last_queue_id",
                  "engagement_facts ORDER BY 1"),
              "a|t|2|1|o1|o2|q1|q2\n"
              "b|t|1|0|o1|o1|NULL|NULL\n"
              "c|t|1|0|o2|o2|q1|q1\n"
              "d|f|NULL|NULL|NULL|NULL|q1|q1\n"
              "e|t|1|0|NULL|NULL|q1|q1");
}
TEST_F(Views, AnEngagementHasItsWaitItsHandleTimeAndItsEnd) {
    EXPECT_EQ(ask("engagement_id, queue_wait_seconds, seconds_to_accept, handle_seconds, accepted_at::time, "
                  "ended_at::time, ongoing, end_reason, richest_media",
                  "engagement_facts ORDER BY 1"),
              "a|42|10|400|12:00:10|12:06:50|f|visitor_left|video\n"
              "b|NULL|5|60|12:10:05|12:11:05|f|operator_left|text\n"
              "c|NULL|30|NULL|12:20:30|NULL|t|NULL|text\n"
              "d|NULL|NULL|NULL|NULL|NULL|NULL|NULL|text\n"
              "e|NULL|NULL|NULL|NULL|12:31:00|f|visitor_left|text");
}
TEST_F(Views, ALegHasItsQueueAndItsTransfers) {
    EXPECT_EQ(
        ask("leg_id, position, queue_id, transferred_in, transferred_out, seconds_to_accept, handle_seconds",
            "leg_facts ORDER BY 1"),
        "a1|0|q1|f|t|10|300\n"
        "a2|1|q2|t|f|10|100\n"
        "b1|0|NULL|f|f|5|60\n"
        "c1|0|q1|f|NULL|30|NULL\n"
        "e1|0|q1|f|f|NULL|NULL");
}
TEST_F(Views, AQueuesHourHasItsVolumeItsSpeedOfAnswerAndItsTransfers) {
    EXPECT_EQ(
        ask("queue_id, queue_name, hour::time, legs, engagements, transfers_in", "queue_hourly ORDER BY 1"),
        "q1|Queue q1|12:00:00|3|3|0\n"
        "q2|Queue q2|12:00:00|1|0|1");
    EXPECT_EQ(ask("queue_id, average_seconds_to_accept, median_seconds_to_accept, p90_seconds_to_accept, "
                  "longest_seconds_to_accept, accepted_within_20_seconds, service_level_20_seconds",
                  "queue_hourly ORDER BY 1"),
              "q1|20|20|28|30|1|0.5\n"
              "q2|10|10|10|10|1|1");
    EXPECT_EQ(
        ask("queue_id, average_handle_seconds, median_handle_seconds, p90_handle_seconds, transfer_rate, "
            "ended_unaccepted",
            "queue_hourly ORDER BY 1"),
        "q1|300|300|300|0.5|1\n"
        "q2|100|100|100|0|NULL");
}
TEST_F(Views, AnOperatorsDayHasItsLegsAndHowTheyEnded) {
    EXPECT_EQ(
        ask("operator_id, day, legs, engagements, transfers_in, transfers_out, transfer_rate, handle_seconds",
            "operator_daily ORDER BY 1"),
        "o1|2024-01-01|2|2|0|1|0.5|360\n"
        "o2|2024-01-01|2|2|1|0|0|100");
    EXPECT_EQ(ask("operator_id, average_handle_seconds, median_handle_seconds, p90_handle_seconds, "
                  "average_seconds_to_accept, ended_by_visitor, ended_by_operator, ended_by_error",
                  "operator_daily ORDER BY 1"),
              "o1|180|180|276|7.5|0|1|0\n"
              "o2|100|100|100|20|1|0|0");
}
TEST_F(Views, FreshnessShowsWhatIsCompleteAndWhatIsMissing) {
    EXPECT_EQ(
        ask("site_id, complete_through::time, lag_seconds > 86400, last_success_at IS NOT NULL, rejected, "
            "waiting_for_legs, complete_from::time, gaps",
            "freshness"),
        "s1|13:00:00|t|t|1|1|00:00:00|{}");
}
TEST_F(Views, NoneShowsVisitors) {
    EXPECT_EQ(
        ask("string_agg(table_name || '.' || column_name, ' ')",
            "information_schema.columns c JOIN information_schema.views v USING (table_schema, table_name) "
            "WHERE table_schema = 'glia' AND column_name LIKE '%visitor\\_%' AND column_name NOT LIKE "
            "'ended%' AND column_name <> 'visitor_wrote_at'"),
        "NULL");
}
TEST_F(Views, ARangeOfTimeReachesTheTables) {
    // A fortnight, so that the planner has a choice between the two indexes with a time.
    database.sql(
        "INSERT INTO glia.engagements (id, created_at, fetched_at, core_hash, first_site_id) "
        "SELECT 'x' || n, '2024-01-01'::timestamptz + n * interval '1 minute', now(), '\\x00', 's1' "
        "FROM generate_series(1, 20000) n");
    database.sql("ANALYZE glia.engagements");
    const std::string plan =
        ask("1",
            "(SELECT 1) AS x; SET enable_seqscan = off; EXPLAIN SELECT * FROM glia.engagement_facts "
            "WHERE created_at >= '2024-01-01' AND created_at < '2024-01-02'");
    EXPECT_NE(plan.find("Bitmap Index Scan on engagements_created_at_brin"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Index Scan using legs_pkey on legs"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("Seq Scan"), std::string::npos) << plan;
}

}  // namespace
}  // namespace glia
