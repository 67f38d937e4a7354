// The schema in PostgreSQL: comments, keys, and the migrations from every version to the latest.
#include <gtest/gtest.h>

#include <thread>

#include "sinks/postgres/schema_script.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

TEST(Schema, EveryTableAndColumnIsCommented) {
    const Database database;
    postgres::open({database.dsn(), "glia"})->migrate();
    EXPECT_EQ(database.sql("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = "
                           "c.oid AND a.attnum >= 0 AND NOT a.attisdropped "
                           "WHERE c.relnamespace = 'glia'::regnamespace AND c.relkind IN ('r', 'v') AND "
                           "col_description(c.oid, a.attnum) IS NULL "
                           "UNION SELECT relname, NULL FROM pg_class WHERE relnamespace = "
                           "'glia'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid) IS NULL"),
              "");
}

TEST(Schema, EveryDataTablesKeyBeginsWithTheEngagement) {
    const Database database;
    postgres::open({database.dsn(), "glia"})->migrate();
    EXPECT_EQ(
        database.sql(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'glia'::regnamespace"),
        "0");
    EXPECT_EQ(
        database.sql("SELECT c.conrelid::regclass FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = "
                     "c.conrelid AND a.attnum = c.conkey[1] "
                     "WHERE c.contype = 'p' AND c.connamespace = 'glia'::regnamespace AND "
                     "c.conrelid::regclass::text IN ('glia.engagement_sites', 'glia.engagement_operators', "
                     "'glia.engagement_queues', 'glia.audio_recordings', 'glia.legs', 'glia.leg_queues', "
                     "'glia.chat_messages') AND a.attname <> 'engagement_id'"),
        "");
}

TEST(Schema, MigratingTwiceOrTogetherDoesItOnce) {
    const Database database;
    const auto migrate = [&] { postgres::open({database.dsn(), "my \"odd\" schema"})->migrate(); };
    std::thread first(migrate), second(migrate);
    first.join();
    second.join();
    migrate();
    EXPECT_EQ(database.sql("SELECT count(*) FROM \"my \"\"odd\"\" schema\".schema_version"),
              std::to_string(postgres::latest_schema_version()));
}

TEST(Schema, ANewerSchemaIsRefused) {
    const Database database;
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    database.sql("INSERT INTO glia.schema_version VALUES (99)");
    for (const auto& call : {+[](Sink& s) { s.migrate(); }, +[](Sink& s) { s.require_schema(); }}) {
        try {
            call(*sink);
            FAIL();
        } catch (const SinkError& error) {
            EXPECT_EQ(error.kind(), SinkError::Kind::schema);
            EXPECT_NE(std::string(error.what()).find("newer"), std::string::npos);
        }
    }
}

/// Tables, columns, indexes and comments.
std::string everything_of(const Database& database) {
    return database.sql(
               "SELECT table_name, column_name, data_type, is_nullable, collation_name, "
               "col_description(('glia.' || table_name)::regclass, ordinal_position::int) FROM "
               "information_schema.columns WHERE table_schema = 'glia' ORDER BY 1, 2") +
           database.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'glia' ORDER BY 1") +
           database.sql("SELECT version FROM glia.schema_version ORDER BY 1");
}

TEST(Schema, APrintedMigrationDoesTheSameAsTheProgram) {
    const Database printed, migrated;
    printed.run(postgres::migration_script("glia"));
    postgres::open({migrated.dsn(), "glia"})->migrate();
    EXPECT_EQ(everything_of(printed), everything_of(migrated));
    EXPECT_NO_THROW(postgres::open({printed.dsn(), "glia"})->require_schema());
    printed.run(postgres::migration_script("glia"));
    EXPECT_EQ(everything_of(printed), everything_of(migrated));
}

TEST(Schema, EveryOlderVersionIsBroughtToTheLatestByTheProgramAndByTheScript) {
    const Database whole;
    postgres::open({whole.dsn(), "glia"})->migrate();
    for (int version = 1; version < postgres::latest_schema_version(); ++version) {
        const Database by_program, by_script;
        for (const Database* old : {&by_program, &by_script}) {
            old->migrate_to(version);
            EXPECT_EQ(old->sql("SELECT max(version) FROM glia.schema_version"), std::to_string(version));
            EXPECT_THROW(postgres::open({old->dsn(), "glia"})->require_schema(), SinkError);
        }
        postgres::open({by_program.dsn(), "glia"})->migrate();
        by_script.run(postgres::migration_script("glia"));
        EXPECT_EQ(everything_of(by_program), everything_of(whole));
        EXPECT_EQ(everything_of(by_script), everything_of(whole));
    }
}

/// A row in every table of version 1, as a program of that version left it.
constexpr const char* kOldRows = R"(SET search_path = glia;
    INSERT INTO engagements (id, created_at, visitor_id, fetched_at, core_hash) VALUES ('e1', '2024-01-01', 'ann', now(), '\x00');
    INSERT INTO engagement_sites VALUES ('e1', 's1');
    INSERT INTO engagement_operators VALUES ('e1', 0, 'o1', 'h');
    INSERT INTO engagement_queues VALUES ('e1', 0, 'q1');
    INSERT INTO audio_recordings (engagement_id, position, url) VALUES ('e1', 0, 'u');
    INSERT INTO queues VALUES ('q1', 'Queue', now(), now());
    INSERT INTO legs (engagement_id, id, position, duration) VALUES ('e1', 'l1', 0, 7);
    INSERT INTO leg_queues VALUES ('e1', 'l1', 0, 'q1');
    INSERT INTO queue_wait_samples VALUES ('s1', now(), 3);
    INSERT INTO chat_messages (engagement_id, position, message) VALUES ('e1', 0, 'hello');
    INSERT INTO sync_state (site_id, synced_through) VALUES ('s1', '2024-01-02');
    INSERT INTO revisit_state VALUES ('s1', 60, now());
    INSERT INTO sync_runs (mode, site_id) VALUES ('incremental', 's1');
    INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites)
        VALUES ('2024-01-01', '2024-01-02', false, 3600, '{s1}');
    INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to)
        VALUES (1, 's1', '2024-01-01 00:00', '2024-01-01 01:00'), (1, 's1', '2024-01-01 01:00', '2024-01-01 02:00');
    INSERT INTO detail_queue (engagement_id, created_at, wanted_after, attempts, next_attempt_at)
        VALUES ('e1', '2024-01-01', '2024-01-01', 0, now()), ('e2', '2024-01-01', '2024-01-01', 2, now() + interval '1 hour');
    INSERT INTO ongoing_engagements VALUES ('e1', '2024-01-01', now());
    INSERT INTO rejected_records (site_id, engagement_id, source, reason, payload, payload_hash)
        VALUES ('s1', 'e3', 'list', 'bad', '{"visitor_id":"ann"}', '\x00');
    INSERT INTO server_clocks VALUES ('m', 3);)";

TEST(Schema, EveryOlderVersionKeepsItsRowsAndItsWork) {
    for (int version = 1; version < postgres::latest_schema_version(); ++version) {
        const Database database;
        database.migrate_to(version);
        database.run(kOldRows);
        const std::string count =
            "SELECT string_agg(relname || ' ' || (xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c "
            "FROM "
            "glia.' || relname, false, true, '')))[1]::text, ', ' ORDER BY relname) FROM pg_class WHERE "
            "relnamespace = 'glia'::regnamespace AND relkind IN ('r', 'v') AND relname IN ('engagements', "
            "'engagement_sites', 'engagement_operators', 'engagement_queues', 'audio_recordings', 'queues', "
            "'legs', 'leg_queues', 'queue_wait_samples', 'chat_messages', 'sync_state', 'revisit_state', "
            "'sync_runs', 'backfills', 'backfill_windows', 'detail_queue', 'ongoing_engagements', "
            "'rejected_records', 'server_clocks')";
        const std::string before = database.sql(count);
        const auto sink = postgres::open({database.dsn(), "glia"});
        sink->migrate();
        EXPECT_EQ(database.sql(count), before) << version;
        // Work that was due is still due, and work that waited still waits.
        const auto details = sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}});
        ASSERT_EQ(details.size(), 1u) << version;
        EXPECT_EQ(details[0].engagement_id, "e1");
        EXPECT_EQ(sink->backfills().claim_windows({1, "me", Seconds{60}, {}, 10}).size(), 2u) << version;
        EXPECT_EQ(sink->reports().history(10).runs.size(), 1u) << version;
        const auto lease = sink->site_leases().acquire({"s1"}, "me", Seconds{60}, false).lease;
        ASSERT_TRUE(lease) << version;
        EXPECT_EQ(lease->synced_through, at("2024-01-02T00:00:00Z")) << version;
        EXPECT_EQ(lease->tiers.size(), 1u) << version;
        const auto sites = sink->reports().status().sites;
        ASSERT_EQ(sites.size(), 1u) << version;
        EXPECT_EQ(sites[0].stream, "engagements") << version;
        sink->erasures().forget({{}, "ann", {}});
        const Erased erased = erase_ordered(*sink);
        EXPECT_EQ(erased.engagements, 1) << version;
        EXPECT_EQ(erased.rejected, 1) << version;
    }
}

}  // namespace
}  // namespace glia
