// work_items: the migration that made it from two queues, and the views that have the queues' names
// (DESIGN.md §2).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/integration/destinations.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

constexpr int kBefore = 9;       // the last version with two queues
constexpr int kEnrichments = 4;  // the first version with the second queue

class WorkItems : public SinkTest {};

TEST_F(WorkItems, DetailsAreReadAndChangedThroughTheViewDetailQueue) {
    commit({detailed(engagement("e1"))});
    sql("INSERT INTO work_items (engagement_id, kind, created_at, wanted_after) "
        "VALUES ('e2', 'transcript', now(), now())");
    sql("INSERT INTO detail_queue (engagement_id, created_at, wanted_after, attempts, parked) "
        "VALUES ('e2', now(), now(), 4, true), ('e3', now(), now(), 1, false)");
    EXPECT_EQ(sql("SELECT kind, item, attempts, waiting FROM work_items WHERE engagement_id = 'e3'"),
              "detail||1|t");
    EXPECT_EQ(sink->reports().status().details_parked, 1);
    sql("UPDATE detail_queue SET next_attempt_at = now() + interval '1 hour', parked = false");
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).empty());
    EXPECT_EQ(sink->work_queue().claim({WorkKind::transcript, "me", 10, Seconds{60}}).size(), 1u);
    sql("DELETE FROM detail_queue WHERE engagement_id = 'e2'");
    EXPECT_EQ(
        sql("SELECT string_agg(engagement_id || ' ' || kind, ', ' ORDER BY engagement_id) FROM work_items"),
        "e2 transcript, e3 detail");
}
TEST_F(WorkItems, OfEnrichersAreSeenAndChangedByTheNameOfEnrichments) {
    sql("INSERT INTO detail_queue (engagement_id, created_at, wanted_after) VALUES ('e1', now(), now())");
    sql("INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after) "
        "VALUES ('e1', 'recording', 'u1', now(), now())");
    sql("UPDATE enrichments SET attempts = 7");
    EXPECT_EQ(sql("SELECT string_agg(kind || attempts, ' ' ORDER BY kind) FROM work_items"),
              "detail0 recording7");
    EXPECT_THROW(sql("UPDATE enrichments SET kind = 'detail'"), std::exception);
}
/// Commits a list item that was requested `ahead` of kNoon, and then a detail that was requested at kNoon,
/// `age` ago. Returns how many jobs are due then.
std::size_t due_after_detail(Sink& sink, const std::string& id, Seconds ahead, Seconds age) {
    Batch list;
    list.engagements = {listed(engagement(id), kNoon + ahead)};
    sink.commit(list, std::nullopt);
    const WorkClaim claim{WorkKind::detail, "me", 10, Seconds{60}};
    const std::vector<WorkJob> jobs = sink.work_queue().claim(claim);
    EXPECT_EQ(jobs.size(), 1u);
    Batch detail;
    detail.claimed_by = "me";
    detail.engagements = {detailed(engagement(id))};
    detail.engagements[0].sent_at = std::chrono::steady_clock::now() - age;
    WorkOutcome outcome;
    outcome.job = jobs.at(0);
    outcome.fetched_at = kNoon;
    outcome.sent_at = detail.engagements[0].sent_at;
    detail.details = {outcome};
    sink.commit(detail, std::nullopt);
    return sink.work_queue().claim(claim).size();
}
void expect_times_of_a_wrong_clock_do_not_count(Sink& sink) {
    const Seconds now{0}, hour{3600};
    EXPECT_EQ(due_after_detail(sink, "e1", hour, now), 0u) << "the API's clock was ahead";
    EXPECT_EQ(due_after_detail(sink, "e2", Seconds{30}, now), 1u) << "within the tolerance of clocks";
    EXPECT_EQ(due_after_detail(sink, "e3", hour, 2 * hour), 1u) << "the response is older than the list item";
}
TEST_F(WorkItems, AJobQueuedByAClockThatWasAheadIsFetchedOnce) {
    expect_times_of_a_wrong_clock_do_not_count(*sink);
}
TEST(WorkItemsOfFiles, AJobQueuedByAClockThatWasAheadIsFetchedOnce) {
    expect_times_of_a_wrong_clock_do_not_count(*Folder(kNdjson).sink());
}
TEST(WorkItemsMigration, KeepsTheColumnsOfBothQueues) {
    const std::string columns =
        "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' ORDER BY table_name, "
        "ordinal_position) "
        "FROM information_schema.columns WHERE table_schema = 'glia' AND table_name IN ('detail_queue', "
        "'enrichments')";
    const Database database;
    database.migrate_to(kBefore);
    const std::string before = database.sql(columns);
    database.migrate_to(kBefore + 1);
    EXPECT_EQ(database.sql(columns), before);
}
TEST(WorkItemsMigration, KeepsTheRowsOfBothQueuesOfAnyVersion) {
    for (int version = kEnrichments; version <= kBefore; ++version) {
        const Database database;
        database.migrate_to(version);
        database.sql(
            "SET search_path = glia; "
            "INSERT INTO detail_queue (engagement_id, created_at, wanted_after, attempts, next_attempt_at, "
            "last_error, parked, "
            "enqueued_at, claimed_by, claimed_until) VALUES ('e1', '2024-01-01', '2024-01-02', 0, now(), "
            "NULL, false, "
            "'2024-01-03', NULL, NULL), ('e2', '2024-01-01', '2024-01-02', 5, now() + interval '1 hour', "
            "'HTTP 404', true, "
            "'2024-01-03', 'one', now() + interval '1 minute'); "
            "INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after, changed_at, "
            "next_attempt_at) "
            "VALUES ('e1', 'transcript', '', '2024-01-01', '2024-01-02', '2024-01-03', now()); "
            "INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after, waiting, done_at, "
            "path, size_bytes, "
            "sha256) VALUES ('e1', 'recording', 'u', '2024-01-01', '2024-01-02', false, '2024-01-04', 'p', "
            "7, 'x')");
        const auto rows = [&](const std::string& queue) {
            // A job that was never tried is due at once, whatever time a version stored for it.
            return database.sql(
                "SELECT string_agg((to_jsonb(q) - 'next_attempt_at')::text, ' ' ORDER BY q::text) FROM "
                "glia." +
                queue + " q");
        };
        const std::string details = rows("detail_queue"), enrichments = rows("enrichments");
        const auto sink = postgres::open({database.dsn(), "glia"});
        sink->migrate();
        EXPECT_EQ(rows("detail_queue"), details) << version;
        EXPECT_EQ(rows("enrichments"), enrichments) << version;
        EXPECT_EQ(sink->work_queue().due(WorkKind::detail), 1) << version;
        EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).at(0).engagement_id,
                  "e1");
        EXPECT_EQ(sink->work_queue().claim({WorkKind::transcript, "me", 10, Seconds{60}}).size(), 1u);
        EXPECT_TRUE(sink->work_queue().claim({WorkKind::recording, "me", 10, Seconds{60}}).empty());
        EXPECT_EQ(sink->instances().lease_owners(), (std::vector<std::string>{"me", "one"})) << version;
    }
}
TEST(WorkItemsMigration, KeepsWhatRolesMayDo) {
    const Database database;
    database.migrate_to(kBefore);
    const std::string role = "\"" + database.name() + "\"";
    database.sql("CREATE ROLE " + role + "; GRANT SELECT, UPDATE ON glia.detail_queue TO " + role +
                 "; GRANT SELECT ON glia.enrichments TO PUBLIC");
    database.migrate_to(kBefore + 1);
    const auto may = [&](const std::string& table, const std::string& privilege) {
        return database.sql("SELECT has_table_privilege('" + database.name() + "', 'glia." + table + "', '" +
                            privilege + "')");
    };
    EXPECT_EQ(may("detail_queue", "SELECT") + may("detail_queue", "UPDATE") + may("detail_queue", "DELETE"),
              "ttf");
    EXPECT_EQ(may("enrichments", "SELECT") + may("enrichments", "UPDATE"), "tf");
    database.sql("DROP OWNED BY " + role);
}
TEST(WorkItemsMigration, WritesNoRowOfEnrichmentsAnew) {
    const Database database;
    database.migrate_to(kBefore);
    const std::string before = database.sql("SELECT pg_relation_filenode('glia.enrichments')");
    database.migrate_to(kBefore + 1);
    EXPECT_EQ(database.sql("SELECT pg_relation_filenode('glia.work_items')"), before);
}
TEST(WorkItemsMigration, LosesNothingThatAProgramOfTheVersionBeforeAsksForMeanwhile) {
    const Database database;
    database.migrate_to(kBefore);
    // What a list batch of the previous version writes: the engagement, its detail, its transcript, in one
    // transaction.
    const auto statements = [](int number) {
        const std::string id = "'e" + std::to_string(number) + "'";
        return "SET LOCAL search_path = glia; INSERT INTO engagements (id, created_at, fetched_at, "
               "core_hash) VALUES (" +
               id +
               ", now(), now(), '\\x00'); INSERT INTO detail_queue AS d (engagement_id, created_at, "
               "wanted_after) VALUES (" +
               id +
               ", now(), now()) ON CONFLICT (engagement_id) DO UPDATE SET wanted_after = "
               "excluded.wanted_after; "
               "INSERT INTO enrichments AS n (engagement_id, kind, item, created_at, wanted_after) VALUES (" +
               id + ", 'transcript', '', now(), now()) ON CONFLICT (engagement_id, kind, item) DO NOTHING";
    };
    std::atomic<int> next = 0, written = 0;
    std::atomic<bool> stop = false;
    const auto write = [&] {
        pqxx::connection connection(database.dsn());
        while (!stop) {
            try {
                pqxx::work tx(connection);
                tx.exec(statements(next++));
                tx.commit();
                ++written;
            } catch (const pqxx::sql_error&) {
                continue;  // after the migration: the old program finds the schema newer
            }
        }
    };
    std::thread one(write), another(write);
    while (written < 50) std::this_thread::yield();
    const auto sink = postgres::open({database.dsn(), "glia"});
    EXPECT_NO_THROW(sink->migrate());
    const int after = next + 20;
    while (next < after) std::this_thread::yield();
    stop = true;
    one.join();
    another.join();
    EXPECT_EQ(database.sql(
                  "SELECT (SELECT count(*) FROM glia.engagements), (SELECT count(*) FROM glia.detail_queue), "
                  "(SELECT count(*) FROM glia.enrichments)"),
              std::to_string(written) + "|" + std::to_string(written) + "|" + std::to_string(written));
    EXPECT_EQ(sink->work_queue().due(WorkKind::detail), written);
}

}  // namespace
}  // namespace glia
