// forget and retention on a real PostgreSQL: everything is erased, and nothing is stored again.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sinks/content_hash.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

FetchedEngagement of(const std::string& id, const std::string& visitor) {
    FetchedEngagement fetched = detailed(engagement(id));
    fetched.site_id = "s1";
    fetched.engagement.visitor_id = visitor;
    fetched.engagement.visitor_href = "https://x/visitors/" + visitor;
    return fetched;
}

class Erasure : public SinkTest {
  protected:
    /// Number of rows, in all tables together, that contain the text.
    std::int64_t rows_with(const std::string& text) const {
        std::int64_t rows = 0;
        std::istringstream tables(
            sql("SELECT relname FROM pg_class WHERE relnamespace = 'glia'::regnamespace AND relkind = 'r'"));
        for (std::string table; tables >> table;)
            rows += std::stoll(
                sql("SELECT count(*) FROM " + table + " t WHERE position('" + text + "' IN t::text) > 0"));
        return rows;
    }
    void fill() {
        commit({of("e-one", "ann"), of("e-two", "ann"), of("e-three", "bob")});
        commit({listed(engagement("e-four"))});  // waits for its legs
        sql("INSERT INTO chat_messages (engagement_id, position, message) VALUES ('e-one', 0, 'hello')");
        sql("INSERT INTO ongoing_engagements VALUES ('e-one', now(), now())");
        sql("INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after) "
            "VALUES ('e-one', 'recording', 'u1', now(), now())");
        Batch batch;
        for (const char* payload :
             {R"({"visitor_id":"ann","id":"e-bad"})", R"({"x":"bob"})", R"({"x":"joann"})"})
            batch.rejected.push_back({{std::nullopt, payload, "bad"}, RecordSource::list, "s1"});
        batch.rejected.push_back({{"e-one", "{}", "bad"}, RecordSource::detail, ""});
        sink->commit(batch, std::nullopt);
    }
    Erased forget(const ForgetOrder& order) {
        sink->erasures().forget(order);
        return erase_ordered(*sink);
    }
};

TEST_F(Erasure, OfAnEngagementTakesItsRowsOutOfEveryTable) {
    fill();
    EXPECT_GE(rows_with("e-one"), 10);
    const Erased erased = forget({"e-one", {}, {}});
    EXPECT_EQ(erased.engagements, 1);
    EXPECT_EQ(erased.rejected, 1);
    EXPECT_EQ(sink->erasures().recordings_to_erase(""), std::vector<std::string>{"e-one"});
    sink->erasures().recordings_erased({"e-one"});
    EXPECT_EQ(rows_with("e-one"), 0);
    EXPECT_EQ(sql("SELECT string_agg(id, ' ' ORDER BY id) FROM engagements"), "e-four e-three e-two");
    EXPECT_EQ(forget({"e-four", {}, {}}).engagements, 1);
    EXPECT_EQ(sql("SELECT count(*) FROM detail_queue"), "0");
}
TEST_F(Erasure, OfAVisitorTakesAllEngagementsAndRejectedRecords) {
    fill();
    const Erased erased = forget({{}, "ann", {}});
    EXPECT_EQ(erased.engagements, 2);
    EXPECT_EQ(erased.rejected, 2);
    sink->erasures().recordings_erased({"e-one"});
    EXPECT_EQ(rows_with("\"visitor_id\":\"ann\""), 0);
    EXPECT_EQ(rows_with("/ann"), 0);
    EXPECT_EQ(rows_with("e-one") + rows_with("e-two"), 0);
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "2");  // of other visitors
    EXPECT_EQ(sql("SELECT string_agg(id, ' ' ORDER BY id) FROM engagements"), "e-four e-three");
}
TEST_F(Erasure, WhatIsForgottenDoesNotComeBack) {
    fill();
    forget({{}, "ann", {}});
    const CommitCounts again = commit({of("e-one", "ann"), of("e-two", "ann"), of("e-three", "bob")});
    EXPECT_EQ(again.forgotten, 2);
    EXPECT_EQ(again.unchanged, 1);
    EXPECT_EQ(commit({of("e-nine", "ann")}).forgotten, 1);  // one that was never loaded
    EXPECT_EQ(commit({of("e-one", "somebody else")}).forgotten, 1);
    EXPECT_EQ(commit({listed(engagement("e-two"))}).forgotten, 1);
    Batch batch;
    RejectedRecord record{"e-one", "{}", "bad"};
    batch.rejected.push_back({record, RecordSource::list, "s1"});
    record = {std::nullopt, R"({"visitor_id":"ann"})", "bad", bytes_hash("ann")};
    batch.rejected.push_back({record, RecordSource::list, "s1"});
    sink->commit(batch, std::nullopt);
    sink->erasures().recordings_erased({"e-one"});
    EXPECT_EQ(rows_with("e-one") + rows_with("e-two") + rows_with("e-nine"), 0);
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "2");
    EXPECT_EQ(sql("SELECT string_agg(id, ' ' ORDER BY id) FROM engagements"), "e-four e-three");
}
TEST_F(Erasure, WhatIsForgottenDoesNotComeBackAmongManyNewOnes) {
    fill();
    forget({{}, "ann", {}});
    std::vector<FetchedEngagement> batch{of("e-one", "ann"), of("e-nine", "ann")};
    for (int i = 0; i < 220; ++i) batch.push_back(of("new-" + std::to_string(i), "bob"));
    const CommitCounts counts = commit(batch);
    EXPECT_EQ(counts.forgotten, 2);
    EXPECT_EQ(counts.inserted, 220);
    EXPECT_EQ(rows_with("e-nine"), 0);
}
TEST_F(Erasure, AVisitorIsKnownByTheIdAsItCameAndAsItIsStored) {
    FetchedEngagement hashed = of("e1", "hmac:1");
    hashed.engagement.visitor_digest = bytes_hash("ann");
    commit({hashed});
    EXPECT_EQ(forget({{}, "ann", "hmac:1"}).engagements, 1);
    EXPECT_EQ(commit({hashed}).forgotten, 1);
    FetchedEngagement rekeyed = of("e2", "hmac:2");  // hashed with a new key
    rekeyed.engagement.visitor_digest = bytes_hash("ann");
    EXPECT_EQ(commit({rekeyed}).forgotten, 1);
    EXPECT_EQ(commit({of("e3", "ann")}).forgotten, 1);  // or no longer hashed
}
TEST_F(Erasure, TombstonesHoldNoPersonalData) {
    fill();
    forget({"e-three", {}, {}});
    forget({{}, "ann", {}});
    EXPECT_EQ(
        sql("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_schema = 'glia' AND table_name = 'forgotten'"),
        "kind mark forgotten_at");
    EXPECT_EQ(sql("SELECT count(*) FROM erasures WHERE kind <> 'recordings'"), "0");
}
TEST_F(Erasure, ThatWasInterruptedIsFinishedByTheNextInstance) {
    fill();
    sink->erasures().forget({{}, "ann", {}});
    EXPECT_EQ(commit({of("e-one", "ann")}).forgotten, 1);  // tombstones apply at once
    const auto other = open();
    EXPECT_EQ(erase_ordered(*other).engagements, 2);
    EXPECT_EQ(erase_ordered(*other).engagements, 0);
}
TEST_F(Erasure, WaitsForACommitThatIsUnderWay) {
    // A writer has read the tombstones and found none; what it writes is erased all the same.
    pqxx::connection connection(database.dsn());
    pqxx::work writer(connection);
    writer.exec("SET search_path = glia");
    writer.exec("SELECT EXISTS (SELECT FROM forgotten)");
    std::atomic<bool> done{false};
    std::thread forgetting([&] {
        const auto other = open();
        other->erasures().forget({"late", {}, {}});
        erase_ordered(*other);
        done = true;
    });
    database.wait_for_a_blocked_session();
    EXPECT_FALSE(done);
    writer.exec(
        "INSERT INTO engagements (id, created_at, fetched_at, core_hash) VALUES ('late', now(), now(), '')");
    writer.commit();
    forgetting.join();
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "0");
}
TEST_F(Erasure, ByAgeTakesTheOldestFirstAndLeavesNoTombstones) {
    fill();
    FetchedEngagement old = of("e-old", "eve");
    old.engagement.created_at = at("2020-01-01T00:00:00Z");
    commit({old});
    sql("UPDATE rejected_records SET last_seen_at = '2020-01-01' WHERE payload = '{}'");
    sql("INSERT INTO queue_wait_samples VALUES ('s1', '2020-01-01', 3), ('s1', '2024-01-01', 4)");
    const Erased erased = erase_older(*sink, at("2021-01-01T00:00:00Z"));
    EXPECT_EQ(erased.engagements, 1);
    EXPECT_EQ(erased.rejected, 1);
    EXPECT_EQ(rows_with("e-old"), 0);
    EXPECT_EQ(sql("SELECT count(*) FROM queue_wait_samples"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM forgotten"), "0");
    EXPECT_FALSE(erase_older(*sink, at("2021-01-01T00:00:00Z")).any());
    EXPECT_EQ(commit({old}).inserted, 1);  // passes leave it out, not the sink
}
TEST_F(Erasure, ALargeOneGoesInSmallTransactions) {
    std::vector<FetchedEngagement> many;
    for (int i = 0; i < 1000; ++i) many.push_back(of("e" + std::to_string(i), "ann"));
    commit(std::move(many));
    EXPECT_EQ(forget({{}, "ann", {}}).engagements, 1000);
    EXPECT_EQ(sql("SELECT count(*), count(DISTINCT xmin::text) > 4 FROM forgotten"), "1001|t");
}

std::vector<Tombstone> all_tombstones(Sink& sink, std::int64_t limit) {
    std::vector<Tombstone> all;
    for (auto page = sink.erasures().tombstones(std::nullopt, limit); !page.empty();
         page = sink.erasures().tombstones(all.back(), limit))
        all.insert(all.end(), page.begin(), page.end());
    return all;
}
Tombstone of_visitor(const std::string& id) {
    return {Tombstone::Kind::visitor, bytes_hash(id), at("2024-05-01T00:00:00Z")};
}

TEST_F(Erasure, TombstonesAreListedInPagesAndKeptAsTheyWere) {
    fill();
    forget({{}, "ann", {}});
    forget({"e-three", {}, {}});
    const auto all = all_tombstones(*sink, 100);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all_tombstones(*sink, 1), all);
    const auto other = postgres::open({database.dsn(), "other"});
    other->migrate();
    EXPECT_EQ(other->erasures().add_tombstones(all), 4);
    EXPECT_EQ(all_tombstones(*other, 3), all);
    EXPECT_EQ(other->erasures().add_tombstones(all), 0);
    EXPECT_EQ(all_tombstones(*other, 3), all);
}
TEST_F(Erasure, ByTombstonesFindsWhatIsStoredByItsDigest) {
    fill();
    EXPECT_EQ(sink->erasures().add_tombstones(
                  {of_visitor("ann"), {Tombstone::Kind::engagement, bytes_hash("e-four"), {}}}),
              2);
    EXPECT_EQ(commit({of("e-nine", "ann")}).forgotten, 1);  // tombstones apply at once
    const auto other = open();                              // any instance continues the erasure
    const Erased erased = erase_ordered(*other);
    EXPECT_EQ(erased.engagements, 3);
    EXPECT_EQ(erased.rejected, 2);
    sink->erasures().recordings_erased(sink->erasures().recordings_to_erase(""));
    EXPECT_EQ(
        rows_with("e-one") + rows_with("e-two") + rows_with("e-four") + rows_with("\"visitor_id\":\"ann\""),
        0);
    EXPECT_EQ(sql("SELECT string_agg(id, ' ' ORDER BY id) FROM engagements"), "e-three");
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "2");  // of other visitors
    EXPECT_EQ(sql("SELECT count(*) FROM erasures"), "0");
    EXPECT_FALSE(erase_ordered(*other).any());
}
TEST_F(Erasure, ByTombstonesReadsAllPagesOfATable) {
    std::vector<FetchedEngagement> many;
    for (int i = 0; i < 5200; ++i) many.push_back(of("e" + std::to_string(i), i % 2 == 0 ? "ann" : "bob"));
    commit(std::move(many));
    sql("INSERT INTO rejected_records (site_id, source, reason, payload, payload_hash) SELECT 's', 'list', "
        "'bad', "
        "CASE WHEN i % 2 = 0 THEN '{\"visitor_id\":\"ann\"}' ELSE '{}' END, convert_to(i::text, 'UTF8') FROM "
        "generate_series(1, 500) i");
    sink->erasures().add_tombstones({of_visitor("ann")});
    const Erased erased = erase_ordered(*sink);
    EXPECT_EQ(erased.engagements, 2600);
    EXPECT_EQ(erased.rejected, 250);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements WHERE visitor_id = 'ann'"), "0");
}
TEST_F(Erasure, ByTombstonesFindsOperatorsThoughNoListingShowsThemAgain) {
    sql("INSERT INTO operators (id, name, fetched_at, content_hash, first_seen_at, changed_at) "
        "SELECT 'o' || i, 'Ann', now(), '\\x00', now(), now() FROM generate_series(1, 3) i; "
        "INSERT INTO name_history (kind, id, valid_from, name) SELECT 'operator', id, now(), name FROM "
        "operators");
    sink->erasures().add_tombstones({{Tombstone::Kind::listed_operator, bytes_hash("o2"), {}}});
    Erased erased;
    for (int round = 0; round < 2; ++round) erased += erase_ordered(*sink);
    EXPECT_EQ(erased.operators, 1);
    EXPECT_EQ(sql("SELECT string_agg(id, ' ' ORDER BY id) FROM operators"), "o1 o3");
    EXPECT_EQ(sql("SELECT count(*) FROM name_history WHERE id = 'o2' AND name = 'Ann'"), "0");
    EXPECT_EQ(sql("SELECT count(*) FROM erasures"), "0");
}
TEST_F(Erasure, AnImportIsNotLostToAScanThatEndsJustNow) {
    sink->erasures().add_tombstones({of_visitor("ann")});
    sink->erasures().add_tombstones({of_visitor("bob")});
    EXPECT_EQ(sql("SELECT count(*) FROM erasures WHERE kind = 'tombstones'"), "2") << "an order for each";
}

}  // namespace
}  // namespace glia
