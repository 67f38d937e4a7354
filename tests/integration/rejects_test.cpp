// Records that could not be loaded (rejected_records, DESIGN.md §3.5).
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/destinations.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Rejects : public SinkTest {};

TEST_F(Rejects, ARejectedRecordIsCountedNotRepeatedAndResolvedOnceItLoads) {
    Batch batch;
    batch.rejected = {{{"e1", R"({"id":"e1"})", "created_at is missing"}, RecordSource::list, "s1"}};
    sink->commit(batch, std::nullopt);
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT site_id, engagement_id, reason, payload, times_seen FROM rejected_records"),
              "s1|e1|created_at is missing|{\"id\":\"e1\"}|2");
    EXPECT_EQ(sink->reports().status().rejected, 1);
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sink->reports().status().rejected, 0);
}

TEST_F(Rejects, AnUnchangedEngagementResolvesWhatWasRejectedOfItsListItem) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.rejected = {{{"e1", "{}", "why"}, RecordSource::list, "s1"}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(commit({listed(engagement("e1"))}).unchanged, 1);
    EXPECT_EQ(sink->reports().status().rejected, 0);
}

TEST_F(Rejects, AListItemDoesNotResolveARejectedDetail) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.rejected = {{{"e1", "{}", "why"}, RecordSource::detail, ""}};
    sink->commit(batch, std::nullopt);
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sink->reports().status().rejected, 1);
    commit({detailed(engagement("e1"))});
    EXPECT_EQ(sink->reports().status().rejected, 0);
}

TEST_F(Rejects, RejectedRecordsAreFoundByNumberAndSite) {
    Batch batch;
    batch.rejected = {{{"e1", "{1}", "why"}, RecordSource::list, "s1"},
                      {{std::nullopt, "{2}", "id is missing"}, RecordSource::list, "s2"}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sink->rejects().find({}).size(), 2u);
    RejectedQuery query;
    query.site_id = "s2";
    const auto of_site = sink->rejects().find(query);
    ASSERT_EQ(of_site.size(), 1u);
    EXPECT_EQ(of_site[0].payload, "{2}");
    EXPECT_EQ(of_site[0].engagement_id, std::nullopt);
    sink->rejects().resolve(of_site[0].id);
    EXPECT_TRUE(sink->rejects().find(query).empty());
    query.resolved_too = true;
    query.ids = {of_site[0].id};
    EXPECT_TRUE(sink->rejects().find(query).at(0).resolved_at);
}

TEST_F(Rejects, ARecordThatPostgresRefusesCostsOnlyItself) {
    Engagement bad = engagement("e2");
    bad.extra = "{\"a\":";  // our parser never lets this through
    const CommitCounts counts = commit({listed(engagement("e1")), listed(bad), listed(engagement("e3"))});
    EXPECT_EQ(counts.inserted, 2);
    EXPECT_EQ(counts.rejected, 1);
    EXPECT_EQ(sql("SELECT string_agg(id, ',' ORDER BY id) FROM engagements"), "e1,e3");
    EXPECT_EQ(sql("SELECT engagement_id FROM rejected_records"), "e2");
}

// ------------------------------------------------------------------------------------- listings, statistics

RejectedRecord bad(const std::string& payload, const OptionalText& operator_id = {}) {
    return {std::nullopt, payload, "bad", std::nullopt, operator_id};
}
RejectedRecord bad_operator(const std::string& id, const std::string& name) {
    return bad(R"({"href":"https://x/operators/)" + id + R"(","name":")" + name + R"("})", id);
}
void list_operators(Sink& sink, std::vector<RejectedRecord> rejected) {
    const SiteKey site{"s1", Stream::operators};
    DirectoryListing listing;
    listing.rejected = std::move(rejected);
    sink.directory().commit_listing(
        sink.site_leases().acquire(site, "me", Seconds{60}, true).lease.value().target(), listing);
}
std::int64_t rejected_operators(Sink& sink) {
    const auto report = sink.reports().status();
    return find_site(report.sites, "s1", Stream::operators)->rejected;
}

void expect_a_listing_replaces_its_rejects(Sink& sink) {
    list_operators(sink, {bad("{}"), bad("7"), bad("7")});
    EXPECT_EQ(rejected_operators(sink), 2);
    list_operators(sink, {bad("7")});
    const auto open = sink.rejects().find({});
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(open[0].source, "operators");
    EXPECT_EQ(open[0].site_id, "s1");
    EXPECT_EQ(open[0].payload, "7");
    EXPECT_EQ(open[0].times_seen, 2);
    EXPECT_EQ(sink.reports().status().rejected, 1);
    list_operators(sink, {});
    EXPECT_TRUE(sink.rejects().find({}).empty());
    EXPECT_EQ(rejected_operators(sink), 0);
}
void expect_operators_are_erased(Sink& sink) {
    list_operators(sink, {bad_operator("o7", "Ann"), bad_operator("o8", "Bob"), bad_operator("o9", "Cy")});
    sink.erasures().forget({{}, {}, {}, "o7"});
    EXPECT_EQ(erase_ordered(sink).rejected, 1);
    sink.erasures().add_tombstones({{Tombstone::Kind::listed_operator, bytes_hash("o8"), {}}});
    EXPECT_EQ(erase_ordered(sink).rejected, 1);
    list_operators(sink, {bad_operator("o7", "Ann"), bad_operator("o8", "Bob"), bad_operator("o9", "Cy")});
    ASSERT_EQ(sink.rejects().find({}).size(), 1u);
    using Stored = OperatorPrivacy::Stored;
    sink.erasures().erase_operator_data({Stored::all, Stored::none});
    EXPECT_EQ(sink.rejects().find({}).size(), 1u);
    sink.erasures().erase_operator_data({Stored::none, Stored::none});
    EXPECT_TRUE(sink.rejects().find({}).empty());
    list_operators(sink, {bad_operator("o9", "hmac:1"), bad("null"), bad("\"Ann\"")});
    sink.erasures().erase_operator_data({Stored::pseudonyms, Stored::pseudonyms});
    EXPECT_EQ(sink.rejects().find({}).size(), 2u);
}

void expect_ids_of_all_whatever_the_limit(Sink& sink) {
    Batch batch;
    batch.rejected = {{{"e1", "{1}", "why"}, RecordSource::list, "s1"},
                      {{"e2", "{2}", "why"}, RecordSource::list, "s1"},
                      {{"e3", "{3}", "why"}, RecordSource::list, "s2"}};
    sink.commit(batch, std::nullopt);
    RejectedQuery query;
    query.limit = 1;
    EXPECT_EQ(sink.rejects().find(query).size(), 1u);
    const std::vector<std::int64_t> all = sink.rejects().ids(query);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0], sink.rejects().find(query)[0].id);
    query.site_id = "s1";
    EXPECT_EQ(sink.rejects().ids(query).size(), 2u);
    query.ids = {sink.rejects().ids(query)[1]};
    EXPECT_EQ(sink.rejects().ids(query), query.ids);
    sink.rejects().resolve(query.ids[0]);
    EXPECT_TRUE(sink.rejects().ids(query).empty());
}

TEST_F(Rejects, TheIdsOfAllAreFoundWhateverTheLimit) {
    expect_ids_of_all_whatever_the_limit(*sink);
}

TEST(RejectsOfFiles, TheIdsOfAllAreFoundWhateverTheLimit) {
    expect_ids_of_all_whatever_the_limit(*Folder(kNdjson).sink());
}

void expect_forgotten_persons_stay_away(Sink& sink) {
    sink.erasures().forget({{}, "v1", {}});
    sink.erasures().forget({{}, {}, {}, "o7"});
    erase_ordered(sink);
    // The parser finds no id after the malformed name.
    const auto visitor = [](const std::string& id) {
        return bad(R"({"visitor_name":"Ann "Annie" Lee","visitor_id":")" + id + R"("})");
    };
    Batch batch;
    batch.rejected = {{visitor("v1"), RecordSource::list, "s1"}, {visitor("v2"), RecordSource::list, "s1"}};
    sink.commit(batch, std::nullopt);
    const auto listed_operator = [](const std::string& id) {
        return bad(R"({"name":"Bob "Bobby" Lee","href":"https://x/operators/)" + id + R"("})");
    };
    list_operators(sink, {listed_operator("o7"), listed_operator("o8")});
    std::set<std::string> payloads;
    for (const RejectedRow& row : sink.rejects().find({})) payloads.insert(row.payload);
    EXPECT_EQ(payloads, (std::set<std::string>{visitor("v2").payload, listed_operator("o8").payload}));
}

TEST_F(Rejects, AListingReplacesThoseOfTheOneBefore) {
    expect_a_listing_replaces_its_rejects(*sink);
}

TEST_F(Rejects, OperatorsAreErasedFromThem) {
    expect_operators_are_erased(*sink);
}

TEST(RejectsOfFiles, AListingReplacesThoseOfTheOneBefore) {
    expect_a_listing_replaces_its_rejects(*Folder(kNdjson).sink());
}

TEST(RejectsOfFiles, OperatorsAreErasedFromThem) {
    expect_operators_are_erased(*Folder(kNdjson).sink());
}

TEST_F(Rejects, AMalformedRecordOfAForgottenPersonIsNotStored) {
    expect_forgotten_persons_stay_away(*sink);
}

TEST(RejectsOfFiles, AMalformedRecordOfAForgottenPersonIsNotStored) {
    expect_forgotten_persons_stay_away(*Folder(kNdjson).sink());
}

TEST_F(Rejects, AListingLeavesThoseOfEngagementsAndOtherSitesAlone) {
    Batch batch;
    batch.rejected = {{{std::nullopt, "7", "why"}, RecordSource::list, "s1"}};
    sink->commit(batch, std::nullopt);
    list_operators(*sink, {});
    EXPECT_EQ(sink->reports().status().rejected, 1);
    EXPECT_EQ(rejected_operators(*sink), 0);
}

TEST_F(Rejects, AnIntervalReadAgainReplacesItsOwn) {
    const SiteKey site{"s1", Stream::statistics};
    const auto lease = sink->site_leases().acquire(site, "me", Seconds{60}, true).lease.value().target();
    const auto read = [&](Instant start, Instant fetched_at, std::vector<RejectedRecord> rejected) {
        StatisticsResponse response;
        response.interval = {start, Seconds{1800}};
        response.fetched_at = fetched_at;
        response.rejected = std::move(rejected);
        sink->statistics().commit({lease, "s1", {}, false}, response);
    };
    const Instant next = kNoon + Seconds{1800};
    read(kNoon, next, {bad("7")});
    read(next, next + Seconds{1800}, {bad("7"), bad("8")});
    EXPECT_EQ(sql("SELECT source, payload FROM rejected_records ORDER BY 1, 2"),
              "statistics queue_wait 2024-01-01T12:00:00Z|7\n"
              "statistics queue_wait 2024-01-01T12:30:00Z|7\n"
              "statistics queue_wait 2024-01-01T12:30:00Z|8");
    EXPECT_EQ(find_site(sink->reports().status().sites, "s1", Stream::statistics)->rejected, 3);
    read(kNoon, kNoon, {});  // an older response resolves nothing
    EXPECT_EQ(sink->reports().status().rejected, 3);
    read(next, next + Seconds{1860}, {});
    EXPECT_EQ(sql("SELECT payload FROM rejected_records WHERE resolved_at IS NULL"), "7");
}

}  // namespace
}  // namespace glia
