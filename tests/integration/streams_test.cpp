// State by stream and site (DESIGN.md §4, "Streams"): every stream of a site has its own lease, schedule,
// errors and runs, whatever keeps the state.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <thread>

#include "sinks/postgres/sql.hpp"
#include "sinks/sqlite/sql.hpp"
#include "tests/integration/destinations.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

const SiteKey kEngagements{"s1"};
const SiteKey kOperators{"s1", Stream::operators};

/// What keeps the state: PostgreSQL, or SQLite beside a destination.
class Streams : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (GetParam() == std::string("postgres")) {
            database_ = std::make_unique<Database>();
            sink = postgres::open({database_->dsn(), "glia"});
        } else {
            folder_ = std::make_unique<Folder>(GetParam() == std::string("csv") ? kCsv : kNdjson);
            sink = folder_->sink();
        }
        sink->migrate();
    }
    SiteLease acquire(const SiteKey& site, const std::string& instance_id = "me") {
        return sink->site_leases().acquire(site, instance_id, Seconds{60}, true).lease.value();
    }
    const SiteStatus& status(Stream stream) {
        report_ = sink->reports().status();
        const SiteStatus* site = find_site(report_.sites, "s1", stream);
        EXPECT_TRUE(site) << name_of(stream);
        return site ? *site : none_;
    }

    std::unique_ptr<Sink> sink;

  private:
    std::unique_ptr<Database> database_;
    std::unique_ptr<Folder> folder_;
    StatusReport report_;
    SiteStatus none_;
};
INSTANTIATE_TEST_SUITE_P(Kinds, Streams, ::testing::Values("postgres", "ndjson", "csv"));

PassCheckpoint complete(PassTarget target) {
    PassCheckpoint checkpoint;
    checkpoint.target = std::move(target);
    checkpoint.pass.from = kNoon;
    checkpoint.pass.started_at = kNoon;
    checkpoint.complete = true;
    if (std::holds_alternative<SiteTarget>(checkpoint.target)) checkpoint.watermark = kNoon;
    return checkpoint;
}

TEST_P(Streams, OfOneSiteAreLeasedByDifferentInstances) {
    const SiteLease engagements = acquire(kEngagements, "one");
    const SiteLease operators = acquire(kOperators, "two");
    EXPECT_EQ(operators.stream, Stream::operators);
    EXPECT_EQ(operators.target(), (SiteTarget{"s1", operators.epoch, Stream::operators}));
    EXPECT_EQ(sink->site_leases().acquire(kOperators, "one", Seconds{60}, true).instance_id, "two");
    EXPECT_EQ(sink->site_leases().acquire(kEngagements, "two", Seconds{60}, true).instance_id, "one");
    EXPECT_EQ(status(Stream::engagements).lease_owner, "one");
    EXPECT_EQ(status(Stream::operators).lease_owner, "two");
    EXPECT_NO_THROW(sink->site_leases().renew(engagements.target(), Seconds{60}));
    EXPECT_NO_THROW(sink->site_leases().renew(operators.target(), Seconds{60}));
}
TEST_P(Streams, HaveTheirOwnEpochs) {
    acquire(kOperators);
    const SiteLease operators = acquire(kOperators);
    const SiteLease engagements = acquire(kEngagements);
    ASSERT_NE(operators.epoch, engagements.epoch);
    const SiteTarget mixed_up{"s1", operators.epoch};
    EXPECT_THROW(sink->commit({}, complete(mixed_up)), SinkError);
    EXPECT_THROW(sink->site_leases().renew(mixed_up, Seconds{60}), SinkError);
    EXPECT_NO_THROW(sink->commit({}, complete(operators.target())));
    EXPECT_NO_THROW(sink->commit({}, complete(engagements.target())));
}
TEST_P(Streams, HaveTheirOwnScheduleAndErrors) {
    const SiteLease operators = acquire(kOperators);
    acquire(kEngagements);
    sink->site_leases().release(operators.target(), {std::chrono::hours{1}, "HTTP 403"});
    const SiteAcquired waits = sink->site_leases().acquire(kOperators, "me", Seconds{60}, false);
    EXPECT_FALSE(waits.lease);
    EXPECT_GT(waits.wait, Seconds{3000});
    EXPECT_TRUE(sink->site_leases().acquire(kEngagements, "me", Seconds{60}, false).lease);
    EXPECT_EQ(status(Stream::operators).last_error, "HTTP 403");
    EXPECT_FALSE(status(Stream::engagements).last_error);
    EXPECT_EQ(acquire(kOperators).failures, 1);
    EXPECT_EQ(acquire(kEngagements).failures, 0);
}
TEST_P(Streams, HaveTheirOwnWatermarkAndTiers) {
    const SiteLease operators = acquire(kOperators);
    sink->commit({}, complete(operators.target()));
    sink->commit({}, complete(TierTarget{"s1", operators.epoch, {Seconds{60}}, Stream::operators}));
    EXPECT_FALSE(acquire(kEngagements).synced_through);
    EXPECT_TRUE(acquire(kEngagements).tiers.empty());
    EXPECT_EQ(acquire(kOperators).synced_through, kNoon);
    EXPECT_EQ(acquire(kOperators).tiers.size(), 1u);
    EXPECT_FALSE(sink->site_leases().reset(kEngagements, kNoon - Seconds{60}).known);
    EXPECT_TRUE(sink->site_leases().reset(kOperators, kNoon - Seconds{60}).moved);
}
TEST_P(Streams, HaveTheirOwnRuns) {
    const SiteLease operators = acquire(kOperators), engagements = acquire(kEngagements);
    ASSERT_EQ(operators.epoch, engagements.epoch);
    for (const SiteLease* lease : {&operators, &engagements}) sink->commit({}, complete(lease->target()));
    for (const SiteLease* lease : {&operators, &engagements})
        sink->site_leases().release(lease->target(), {std::chrono::milliseconds{0}, "HTTP 500"});
    std::multiset<std::string> runs;
    for (const RunStatus& run : sink->reports().history(10).runs)
        runs.insert(run.stream + " " + run.error.value_or("done"));
    EXPECT_EQ(runs, (std::multiset<std::string>{"engagements HTTP 500", "engagements done",
                                                "operators HTTP 500", "operators done"}));
}

class PostgresStreams : public SinkTest {};

TEST_F(PostgresStreams, OnesOfADeadInstanceAreFreed) {
    sink->site_leases().acquire(kOperators, "dead", Seconds{60}, true);
    EXPECT_EQ(sink->instances().lease_owners(), std::vector<std::string>{"dead"});
    sink->instances().release_leases_of_dead("dead");
    EXPECT_TRUE(sink->site_leases().acquire(kOperators, "me", Seconds{60}, true).lease);
}
TEST_F(PostgresStreams, AnalystsSeeOneRowForASite) {
    for (const SiteKey& site : {kEngagements, kOperators})
        sink->commit({},
                     complete(sink->site_leases().acquire(site, "me", Seconds{60}, true).lease->target()));
    EXPECT_EQ(sql("SELECT site_id FROM freshness"), "s1");
    EXPECT_EQ(sql("SELECT stream FROM sync_state WHERE site_id = 's1' ORDER BY 1"), "engagements\noperators");
}

constexpr int kBeforeStreams = 7;

TEST(StreamsMigration, RewritesNoTableThatGrows) {
    const Database database;
    database.migrate_to(kBeforeStreams);
    const std::string files =
        "SELECT string_agg(pg_relation_filenode(oid)::text, ' ' ORDER BY relname) FROM pg_class WHERE "
        "relkind = "
        "'r' AND relnamespace = 'glia'::regnamespace AND relname NOT IN ('sync_state', 'revisit_state')";
    const std::string before = database.sql(files);
    database.migrate_to(kBeforeStreams + 1);
    EXPECT_EQ(database.sql(files), before);
}
TEST(StreamsMigration, GoesOnBesideAProgramThatWrites) {
    const Database database;
    database.migrate_to(kBeforeStreams);
    database.sql("INSERT INTO glia.sync_state (site_id) VALUES ('s1')");
    // Writes as the previous version does, over its own connection.
    std::atomic<bool> stop = false;
    std::atomic<int> written = 0;
    std::thread writer([&] {
        pqxx::connection connection(database.dsn());
        while (!stop) {
            pqxx::work tx(connection);
            tx.exec("SET LOCAL search_path = glia");
            tx.exec(
                "UPDATE sync_state SET lease_epoch = lease_epoch + 1, synced_through = now() WHERE site_id = "
                "'s1'");
            tx.exec(
                "INSERT INTO sync_runs (mode, site_id, started_at, lease_epoch) SELECT 'incremental', "
                "site_id, "
                "now(), lease_epoch FROM sync_state WHERE site_id = 's1' ON CONFLICT DO NOTHING");
            tx.commit();
            ++written;
        }
    });
    while (written < 20) std::this_thread::yield();
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    const int after = written + 20;
    while (written < after) std::this_thread::yield();
    stop = true;
    writer.join();
    EXPECT_EQ(database.sql("SELECT count(*) FROM glia.sync_runs WHERE stream = 'engagements'"),
              std::to_string(written));
    const SiteLease lease = sink->site_leases().acquire(kEngagements, "me", Seconds{60}, true).lease.value();
    EXPECT_EQ(lease.epoch, written + 1);
    EXPECT_TRUE(lease.synced_through);
}

/// A state file as an older program left it, with a row in every table that is keyed by stream now.
void make_state_of_version(const std::string& path, int version) {
    sqlite3* file = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &file), SQLITE_OK);
    std::string script;
    for (int i = 0; i < version; ++i) script += sqlite::sql::migrations.at(static_cast<std::size_t>(i)).text;
    script += "PRAGMA user_version = " + std::to_string(version) + ";" + R"(
        INSERT INTO engagements (id, created_at, core_hash, fetched_at, site_ids) VALUES ('e1', 1, '00', 1, '["s1"]');
        INSERT INTO sync_state (site_id, synced_through, failures, lease_epoch) VALUES ('s1', 1704110400000000, 2, 5);
        INSERT INTO revisit_state (site_id, back_seconds, last_started_at) VALUES ('s1', 60, 1704110400000000);
        INSERT INTO sync_runs (mode, site_id, finished_at, pages, engagements, rejected, requests)
            VALUES ('incremental', 's1', 1704110400000000, 3, 4, 0, 3);
        INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at) VALUES ('e1', 1, 1, 1);
        UPDATE output SET sequence = 6;)";
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(file, script.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(file);
}

TEST(StreamsMigration, AStateFileOfAnyVersionGoesOn) {
    for (int version = 1; version <= static_cast<int>(sqlite::sql::migrations.size()); ++version) {
        const Folder folder(kNdjson);
        make_state_of_version(folder.state(), version);
        const auto sink = folder.sink(1 << 20);
        const int latest = static_cast<int>(sqlite::sql::migrations.size());
        if (version < latest) {
            EXPECT_THROW(sink->reports().status(), SinkError);
        }
        EXPECT_EQ(sink->migrate(), latest);
        EXPECT_NO_THROW(sink->require_schema());
        const SiteLease lease =
            sink->site_leases().acquire(kEngagements, "me", Seconds{60}, true).lease.value();
        EXPECT_EQ(lease.epoch, 6) << version;
        EXPECT_EQ(lease.failures, 2);
        EXPECT_EQ(lease.synced_through, kNoon);
        EXPECT_EQ(lease.tiers.size(), 1u);
        const auto runs = sink->reports().history(10).runs;
        ASSERT_EQ(runs.size(), 1u);
        EXPECT_EQ(runs[0].stream, "engagements");
        EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).size(), 1u);
        Batch batch;
        batch.engagements.push_back(listed(engagement("e2")));
        sink->commit(batch, complete(lease.target()));
        EXPECT_TRUE(folder.files().at(0).ends_with("-000007.ndjson.part")) << folder.files().at(0);
    }
}

}  // namespace
}  // namespace glia
