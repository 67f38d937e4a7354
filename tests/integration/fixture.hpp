// What tests of the sink begin with: a migrated database, and records.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sinks/postgres/postgres_sink.hpp"
#include "sinks/timestamp.hpp"
#include "tests/integration/database.hpp"
#include "tests/printing.hpp"

namespace glia {

inline Instant at(const char* text) {
    return *parse_timestamp(text);
}
inline const Instant kNoon = at("2024-01-01T12:00:00Z");

inline Engagement engagement(const std::string& id) {
    Engagement e;
    e.id = id;
    e.created_at = kNoon;
    e.visitor_name = "Ann \\N \t\n\"x\" {,}";
    e.duration = 5;
    e.flagged = false;
    e.extra = R"({"a":[1,2.50]})";
    e.audio_recording_urls = {"u1", "u2"};
    e.operators = {{"o1", "https://x/operators/o1"}};
    e.queues = {{"q1", "Old name"}};
    return e;
}
inline Leg leg(const std::string& id) {
    Leg l;
    l.id = id;
    l.requested_at = kNoon;
    l.ended_at = kNoon;
    l.request_queues = {{"q1", "Old name"}};
    return l;
}
inline FetchedEngagement listed(Engagement e, Instant when = kNoon, std::string site = "s1") {
    return {std::move(e), RecordSource::list, when, std::move(site), {}};
}
inline FetchedEngagement detailed(Engagement e, Instant when = kNoon) {
    if (!e.legs) e.legs = {leg("l1")};
    return {std::move(e), RecordSource::detail, when, "", {}};
}

/// Performs all erasures that were ordered; returns what was erased.
inline Erased erase_ordered(Sink& sink) {
    Erased all;
    for (ErasureOrder order : sink.erasures().orders()) {
        for (bool finished = false; !finished;) {
            const ErasureStep step = sink.erasures().erase_part(order);
            all += step.erased;
            finished = step.finished;
            order.cursor = step.cursor;
        }
    }
    return all;
}
/// Erases everything older than `before`; returns what was erased.
inline Erased erase_older(Sink& sink, Instant before) {
    Erased all;
    for (RetentionCursor cursor; cursor.stage != RetentionCursor::Stage::finished;)
        all += sink.erasures().erase_older(before, cursor);
    return all;
}

/// Runs `then`, which writes with the sink, while another transaction holds the locks that `meanwhile` takes.
/// Commits that transaction once the sink waits for it.
template <typename Meanwhile, typename Then>
void while_another_writes(const Database& database, Meanwhile meanwhile, Then then) {
    pqxx::connection connection(database.dsn());
    pqxx::work other(connection);
    other.exec("SET search_path = glia");
    meanwhile(other);
    std::thread sink(then);
    database.wait_for_a_blocked_session();
    other.commit();
    sink.join();
}

/// Expects that a window whose lease expired more than a minute ago does not count as leased. Otherwise an
/// instance that waits for leased windows would wait for ever.
inline void expect_old_leases_of_windows_are_free(Sink& sink) {
    BackfillSpec spec;
    spec.sites = {"s1"};
    spec.from = kNoon;
    spec.to = kNoon + Seconds{60};
    spec.window = Seconds{60};
    BackfillStore& backfills = sink.backfills();
    const std::int64_t id = backfills.open(spec).id;
    // A negative lease time: the lease expired that long ago.
    backfills.claim_windows({id, "gone", Seconds{-30}, {}, 1});
    EXPECT_EQ(backfills.progress(id, {}).windows_leased, 1);
    backfills.claim_windows({id, "gone", Seconds{-61}, {}, 1});
    EXPECT_EQ(backfills.progress(id, {}).windows_leased, 0);
    EXPECT_EQ(backfills.claim_windows({id, "me", Seconds{30}, {}, 1}).size(), 1u);
    EXPECT_EQ(backfills.progress(id, {}).windows_leased, 1);
}

/// Options of CREATE DATABASE for a copy of a migrated database, which is faster than migrating.
inline std::string copy_of_a_migrated_database() {
    static const auto migrated = [] {
        auto database = std::make_unique<Database>();
        postgres::open({database->dsn(), "glia"})->migrate();
        return database;
    }();
    // The session that migrated may still be ending: CREATE DATABASE waits for it, up to five seconds.
    return "TEMPLATE " + migrated->name();
}

class SinkTest : public ::testing::Test {
  protected:
    void SetUp() override {
        sink = open();
        sink->migrate();
    }
    std::unique_ptr<Sink> open() const { return postgres::open({database.dsn(), "glia"}); }
    CommitCounts commit(std::vector<FetchedEngagement> engagements) {
        Batch batch;
        batch.engagements = std::move(engagements);
        return sink->commit(batch, std::nullopt);
    }
    std::string sql(const std::string& query) const {
        return database.sql("SET search_path = glia; " + query);
    }
    /// The row versions of engagements and their children: they change when a row is written.
    std::string versions() const {
        return sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY id) FROM engagements") +
               sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY engagement_id, id) FROM legs") +
               sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY engagement_id, position) FROM "
                   "engagement_operators") +
               sql("SELECT string_agg(xmin::text || ctid::text || xmax::text, ',') FROM queues");
    }

    Database database{copy_of_a_migrated_database()};
    std::unique_ptr<Sink> sink;
};

}  // namespace glia
