// The PostgreSQL sink against a real PostgreSQL: what a commit does to the tables, and what it leaves alone.
#include <gtest/gtest.h>

#include <thread>

#include "sinks/postgres/schema_script.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Sinks : public SinkTest {
  protected:
    std::string versions() const {
        return sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY id) FROM engagements") +
               sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY engagement_id, id) FROM legs") +
               sql("SELECT string_agg(xmin::text || ctid::text, ',' ORDER BY engagement_id, position) FROM "
                   "engagement_operators") +
               sql("SELECT string_agg(xmin::text || ctid::text || xmax::text, ',') FROM queues");
    }
};

/// Another writer holds a row while the sink comes to write it; `then` is what the sink did once it could.
template <typename Meanwhile, typename Then>
void while_another_writes(const Database& database, Meanwhile meanwhile, Then then) {
    pqxx::connection connection(database.dsn());
    pqxx::work other(connection);
    other.exec("SET search_path = glia");
    meanwhile(other);
    std::thread sink(then);
    std::this_thread::sleep_for(std::chrono::milliseconds{300});  // it waits for the row by now
    other.commit();
    sink.join();
}

TEST_F(Sinks, WhatAnotherWriterWasQuickerWithIsDecidedAgain) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    CommitCounts counts;
    while_another_writes(
        database,
        [](pqxx::work& other) {
            other.exec(
                "UPDATE engagements SET duration = 99, core_hash = '\\x00112233445566778899aabbccddeeff', "
                "fetched_at = '2024-01-01 13:00:00Z' WHERE id = 'e1'");
        },
        [&] {
            Engagement one = engagement("e1"), two = engagement("e2");
            one.duration = two.duration = 7;
            counts = commit({listed(one, kNoon + Seconds{5}), listed(two, kNoon + Seconds{5})});
        });
    EXPECT_EQ(sql("SELECT string_agg(id || duration, ' ' ORDER BY id) FROM engagements"), "e199 e27");
    EXPECT_EQ(counts.stale, 1);
    EXPECT_EQ(counts.changed, 1);
}
TEST_F(Sinks, LegsThatCameMeanwhileAreNotTakenAwayByOlderOnes) {
    commit({detailed(engagement("e1"))});
    while_another_writes(
        database,
        [](pqxx::work& other) {
            other.exec(
                "UPDATE engagements SET legs_hash = '\\x00112233445566778899aabbccddeeff', "
                "legs_fetched_at = '2024-01-01 13:00:00Z' WHERE id = 'e1'");
            other.exec("UPDATE legs SET duration = 99");
        },
        [&] {
            Engagement changed = engagement("e1");
            changed.legs = {leg("l1"), leg("l2")};
            commit({detailed(changed, kNoon + Seconds{5})});
        });
    EXPECT_EQ(sql("SELECT string_agg(id || duration, ' ') FROM legs"), "l199");
}
TEST_F(Sinks, AnEngagementThatIsErasedMeanwhileLeavesNoOrphans) {
    commit({detailed(engagement("e1"))});
    while_another_writes(
        database,
        [](pqxx::work& other) { other.exec("DELETE FROM engagements"), other.exec("DELETE FROM legs"); },
        [&] {
            Engagement changed = engagement("e1");
            changed.flagged = true;
            commit({listed(changed, kNoon + Seconds{5})});
        });
    EXPECT_EQ(
        sql("SELECT (SELECT count(*) FROM engagements), (SELECT count(*) FROM legs), (SELECT count(*) FROM "
            "detail_queue)"),
        "1|0|1");
}

TEST_F(Sinks, WritesEveryColumnAsItWas) {
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sql("SELECT visitor_name = E'Ann \\\\N \\t\\n\"x\" {,}', duration, flagged, video_used IS "
                  "NULL, extra, created_at = '2024-01-01 12:00Z' FROM engagements"),
              "t|5|f|t|{\"a\": [1, 2.50]}|t");
    EXPECT_EQ(sql("SELECT position, url FROM audio_recordings ORDER BY 1"), "0|u1\n1|u2");
    EXPECT_EQ(sql("SELECT operator_id, href FROM engagement_operators"), "o1|https://x/operators/o1");
    EXPECT_EQ(sql("SELECT site_id FROM engagement_sites"), "s1");
    EXPECT_EQ(sql("SELECT id, name FROM queues"), "q1|Old name");
}
TEST_F(Sinks, TheSameAgainWritesNoRowVersion) {
    const auto both = [&] {
        return commit({listed(engagement("e1"), kNoon + Seconds{60})}).unchanged +
               commit({detailed(engagement("e1"), kNoon + Seconds{61})}).unchanged;
    };
    commit({listed(engagement("e1"))});
    commit({detailed(engagement("e1"))});
    const std::string before = versions();
    EXPECT_EQ(both(), 2);
    EXPECT_EQ(versions(), before);
}
TEST_F(Sinks, UnchangedRowsAreNotEvenLocked) {
    commit({listed(engagement("e1"))});
    pqxx::connection other(database.dsn());
    pqxx::work holding(other);
    holding.exec("SELECT FROM glia.engagements FOR UPDATE");
    EXPECT_EQ(commit({listed(engagement("e1"))}).unchanged, 1);
}
TEST_F(Sinks, OfAPageThatIsReadAgainWhatDiffersInAnyWayIsNotPassedOver) {
    const auto page = [](const char* site, Instant when) {
        std::vector<FetchedEngagement> items;
        for (int i = 0; i < 20; ++i) {
            Engagement e = engagement("e" + std::to_string(10 + i));
            e.created_at += Seconds{i};
            e.legs = {leg("l1")};
            items.push_back(listed(e, when, site));
        }
        return items;
    };
    auto first = page("s1", kNoon);
    first[5].engagement.legs->at(0).ended_at.reset();
    first[5].refetch_in = Seconds{600};
    first.erase(first.begin() + 6);  // e16 is to be new
    commit(first);
    Batch rejected;
    rejected.rejected = {{{"e17", "{}", "why"}, RecordSource::list, "s1"},
                         {{{}, "{", "why"}, RecordSource::list, "s1"}};
    sink->commit(rejected, std::nullopt);
    sql("UPDATE engagements SET list_hash = NULL WHERE id = 'e18'");

    auto second = page("s1", kNoon + Seconds{60});
    second[0].engagement.duration = 7;
    second[1].engagement.legs->at(0).duration = 7;
    second[2].engagement.legs = {leg("l1"), leg("l2")};
    second[3].engagement.legs.reset();  // as a list item shows it that has no legs
    second[4].engagement.created_at -= Seconds{3600};
    const CommitCounts counts = commit(second);
    EXPECT_EQ(counts.inserted, 1);
    EXPECT_EQ(counts.changed, 2);
    EXPECT_EQ(counts.unchanged, 17);
    EXPECT_EQ(counts.legs, 4);  // e11, e12, e15, e16
    EXPECT_EQ(sql("SELECT count(*), count(DISTINCT engagement_id) FROM legs"), "21|20");
    EXPECT_EQ(sql("SELECT count(*) FROM ongoing_engagements"), "0");
    EXPECT_EQ(sink->reports().status().rejected, 1);  // of which nobody knows whose it is

    const std::string before = versions();
    EXPECT_EQ(commit(second).unchanged, 20);
    EXPECT_EQ(versions(), before);
    EXPECT_EQ(commit(page("s2", kNoon + Seconds{60})).unchanged, 18);
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_sites WHERE site_id = 's2'"), "20");
}
/// How many searches in the primary key of the engagements there have been. What a session has counted is
/// told when it ends, so that the sink is opened anew.
class Searches : public Sinks {
  protected:
    std::string searches() {
        sink.reset();
        const std::string others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid() "
            "AND backend_type = 'client backend'";
        for (int i = 0; i < 1000 && sql(others) != "0"; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        sink = open();
        return sql("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'engagements_pkey'");
    }
    static Batch page(const char* site, int items = 20) {
        Batch batch;
        for (int i = 0; i < items; ++i) {
            Engagement e = engagement("e" + std::to_string(10 + i));
            e.legs = {leg("l1")};
            batch.engagements.push_back(listed(e, kNoon, site));
        }
        return batch;
    }
};
TEST_F(Searches, OfAPageThatIsReadAgainThereAreNone) {
    Batch again = page("s1");
    commit(again.engagements);
    const std::string before = searches();
    EXPECT_EQ(commit(again.engagements).unchanged, 20);
    EXPECT_EQ(searches(), before);
    again.engagements.resize(5);
    EXPECT_EQ(commit(again.engagements).unchanged, 5);
    EXPECT_NE(searches(), before);  // so few are searched for
}
TEST_F(Searches, OfPagesOfTwoSitesThatShareEngagementsThereAreNoneEither) {
    const Batch one = page("s1", 40), two = page("s2");
    sink->commit_together({{&one}, {&two}});
    const std::string before = searches(), rows = versions();
    for (const auto& parts : {std::vector<CommitPart>{{&one}, {&two}}, {{&two}, {&one}}}) {
        const auto counts = sink->commit_together(parts);
        EXPECT_EQ(counts.at(0).unchanged + counts.at(1).unchanged, 60);
    }
    EXPECT_EQ(versions(), rows);
    EXPECT_EQ(searches(), before);
}
TEST_F(Searches, ASiteThatHasNotShownAnEngagementBeforeIsNotedWhoeverShowsItToo) {
    const Batch one = page("s1", 40), two = page("s2"), three = page("s3");
    commit(one.engagements);
    EXPECT_EQ(sink->commit_together({{&one}, {&two}}).at(1).unchanged, 20);
    EXPECT_EQ(sink->commit_together({{&three}, {&one}}).at(0).unchanged, 20);
    EXPECT_EQ(sql("SELECT site_id, count(*) FROM engagement_sites GROUP BY 1 ORDER BY 1"),
              "s1|40\ns2|20\ns3|20");
}
TEST_F(Searches, WhatASecondSiteHasChangedAThirdMayChangeBack) {
    Batch one = page("s1"), two = page("s2"), three = page("s3");
    sink->commit_together({{&one}, {&two}, {&three}});
    for (FetchedEngagement& item : two.engagements) {
        item.fetched_at += Seconds{60};
        item.engagement.duration = 7;
    }
    for (FetchedEngagement& item : three.engagements) item.fetched_at += Seconds{120};
    const auto counts = sink->commit_together({{&one}, {&two}, {&three}});
    EXPECT_EQ(counts.at(0).unchanged, 20);
    EXPECT_EQ(counts.at(1).changed, 20);
    EXPECT_EQ(counts.at(2).changed, 20);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements WHERE duration = 7"), "0");
}
TEST_F(Searches, WhatTheSecondOfTwoSitesShowsDifferentlyIsNotPassedOver) {
    Batch one = page("s1"), two = page("s2");
    sink->commit_together({{&one}, {&two}});
    const auto later = [&](Seconds by) {
        for (FetchedEngagement& item : two.engagements) item.fetched_at = kNoon + by;
    };
    later(Seconds{60});
    two.engagements[0].engagement.duration = 7;
    two.engagements[1].engagement.legs->at(0).duration = 7;
    two.engagements[2].engagement.legs = {leg("l1"), leg("l2")};
    two.engagements[3].engagement.legs.reset();  // as a list item shows it that has no legs
    auto counts = sink->commit_together({{&one}, {&two}});
    EXPECT_EQ(counts.at(0).unchanged, 20);
    EXPECT_EQ(counts.at(1).changed, 1);
    EXPECT_EQ(counts.at(1).unchanged, 19);
    EXPECT_EQ(counts.at(1).legs, 2);
    EXPECT_EQ(sql("SELECT id FROM engagements WHERE duration = 7"), "e10");
    EXPECT_EQ(sql("SELECT engagement_id FROM legs WHERE duration = 7"), "e11");
    EXPECT_EQ(sql("SELECT count(*) FROM legs"), "21");

    // A listing without legs says nothing of those that the other site shows.
    for (FetchedEngagement& item : one.engagements) item.engagement.legs.reset();
    later(Seconds{120});
    two.engagements[4].engagement.legs->at(0).duration = 8;
    counts = sink->commit_together({{&one}, {&two}});
    EXPECT_EQ(counts.at(0).unchanged, 19);
    EXPECT_EQ(counts.at(0).stale, 1);
    EXPECT_EQ(counts.at(1).unchanged, 20);
    EXPECT_EQ(counts.at(1).legs, 1);
    EXPECT_EQ(sql("SELECT engagement_id FROM legs WHERE duration = 8"), "e14");
}
TEST_F(Sinks, ChildrenAreReplacedAsASetAndOnlyWhereTheyDiffer) {
    commit({listed(engagement("e1"))});
    const std::string before = sql("SELECT ctid FROM audio_recordings WHERE position = 0");
    Engagement changed = engagement("e1");
    changed.audio_recording_urls = {"u1"};
    changed.operators = {changed.operators[0], {"o2", "h"}};
    changed.queues.clear();
    EXPECT_EQ(commit({listed(changed, kNoon + Seconds{1})}).changed, 1);
    EXPECT_EQ(sql("SELECT ctid FROM audio_recordings"), before);
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_operators"), "2");
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_queues"), "0");
}
TEST_F(Sinks, ChildrenThatSomebodyLeftBehindAreNotInTheWay) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    commit({detailed(engagement("e1"))});
    sql("DELETE FROM engagements WHERE id = 'e1'");
    Engagement other = engagement("e1");
    other.operators.clear();
    EXPECT_EQ(commit({listed(other, kNoon + Seconds{1}), listed(engagement("e2"))}).inserted, 1);
    EXPECT_EQ(sql("SELECT engagement_id FROM engagement_operators"), "e2");
    EXPECT_EQ(sql("SELECT count(*) FROM legs"), "0");
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "0");
}
TEST_F(Sinks, AListItemWithoutLegsLeavesLegsAlone) {
    commit({listed(engagement("e1"))});
    commit({detailed(engagement("e1"))});
    Engagement changed = engagement("e1");
    changed.flagged = true;
    commit({listed(changed, kNoon + Seconds{5})});
    EXPECT_EQ(sql("SELECT id, ended_at IS NOT NULL FROM legs"), "l1|t");
    EXPECT_EQ(sql("SELECT flagged FROM engagements"), "t");
}
TEST_F(Sinks, LegsAreReplacedAsASet) {
    Engagement first = engagement("e1");
    first.legs = {leg("l1"), leg("l2")};
    commit({detailed(first)});
    Engagement second = engagement("e1");
    second.legs = {leg("l2"), leg("l3")};
    second.legs->at(0).request_queues.clear();
    commit({detailed(second, kNoon + Seconds{1})});
    EXPECT_EQ(sql("SELECT id, position FROM legs ORDER BY position"), "l2|0\nl3|1");
    EXPECT_EQ(sql("SELECT leg_id, queue_id FROM leg_queues"), "l3|q1");
}
TEST_F(Sinks, OfTwoLegsWithOneIdTheLastCounts) {
    Engagement e = engagement("e1");
    e.legs = {leg("l1"), leg("l1")};
    e.legs->at(1).duration = 9;
    commit({detailed(e)});
    EXPECT_EQ(sql("SELECT id, position, duration FROM legs"), "l1|1|9");
}
TEST_F(Sinks, AnOlderResponseIsLeftOut) {
    Engagement newer = engagement("e1");
    newer.flagged = true;
    commit({listed(newer, kNoon + Seconds{10})});
    EXPECT_EQ(commit({listed(engagement("e1"), kNoon)}).stale, 1);
    EXPECT_EQ(sql("SELECT flagged FROM engagements"), "t");
}
TEST_F(Sinks, OfOneEngagementTwiceInABatchTheLaterCounts) {
    Engagement later = engagement("e1");
    later.flagged = true;
    commit({listed(engagement("e1")), listed(later, kNoon + Seconds{1})});
    EXPECT_EQ(sql("SELECT count(*), bool_and(flagged) FROM engagements"), "1|t");
}
TEST_F(Sinks, ASecondSitesListingIsNoted) {
    commit({listed(engagement("e1"))});
    commit({listed(engagement("e1"), kNoon, "s2")});
    EXPECT_EQ(sql("SELECT string_agg(site_id, ',' ORDER BY site_id) FROM engagement_sites"), "s1,s2");
}

constexpr int kMany = 220;
/// New engagements of a site and a time: so many that a commit looks at the time rather than at each of them.
std::vector<FetchedEngagement> many_new(int count, Instant created_at, const std::string& site = "s1") {
    std::vector<FetchedEngagement> many;
    for (int i = 0; i < count; ++i) {
        FetchedEngagement& one = many.emplace_back(listed(engagement("n" + std::to_string(i)), kNoon, site));
        one.engagement.created_at = created_at + Seconds{i};
    }
    return many;
}
TEST_F(Sinks, AmongManyNewOnesWhatAnotherSiteListedFirstIsKnown) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    auto batch = many_new(kMany, kNoon, "s2");
    Engagement changed = engagement("e2");
    changed.flagged = true;
    batch.push_back(listed(engagement("e1"), kNoon + Seconds{1}, "s2"));
    batch.push_back(listed(changed, kNoon + Seconds{1}, "s2"));
    const CommitCounts counts = commit(batch);
    EXPECT_EQ(counts.inserted, kMany);
    EXPECT_EQ(counts.unchanged, 1);
    EXPECT_EQ(counts.changed, 1);
    EXPECT_EQ(sql("SELECT count(*), count(*) FILTER (WHERE site_id = 's2') FROM engagement_sites"),
              std::to_string(kMany + 4) + "|" + std::to_string(kMany + 2));
}
TEST_F(Sinks, AmongManyNewOnesWhatNoSiteHasListedYetIsKnown) {
    commit({detailed(engagement("e1"))});
    auto batch = many_new(kMany, kNoon);
    batch.push_back(listed(engagement("e1"), kNoon + Seconds{1}));
    EXPECT_EQ(commit(batch).inserted, kMany);
    EXPECT_EQ(sql("SELECT site_id FROM engagement_sites WHERE engagement_id = 'e1'"), "s1");
    EXPECT_EQ(sql("SELECT count(*) FROM legs"), "1");
}
TEST_F(Sinks, AmongManyNewOnesWhatWasCreatedAtAnotherTimeIsFoundAllTheSame) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    auto batch = many_new(kMany, kNoon + Seconds{86'400});
    Engagement moved = engagement("e1");
    moved.created_at = kNoon + Seconds{86'405};
    batch.push_back(listed(moved, kNoon + Seconds{1}));
    const CommitCounts counts = commit(batch);
    EXPECT_EQ(counts.inserted, kMany);
    EXPECT_EQ(counts.changed, 1);
    EXPECT_EQ(
        sql("SELECT count(*), count(*) FILTER (WHERE created_at = '2024-01-02 12:00:05Z') FROM engagements "
            "WHERE id LIKE 'e%'"),
        "2|1");
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "0");
}
TEST_F(Sinks, AmongManyNewOnesChildrenThatSomebodyLeftBehindAreNotInTheWay) {
    commit({listed(engagement("e1"))});
    sql("DELETE FROM engagements");
    auto batch = many_new(kMany, kNoon);
    batch.push_back(listed(engagement("e1"), kNoon + Seconds{1}));
    EXPECT_EQ(commit(batch).inserted, kMany + 1);
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_sites"), std::to_string(kMany + 1));
}
TEST_F(Sinks, OfManyNewOnesAnotherWriterMayBeQuickerWithOne) {
    CommitCounts counts;
    while_another_writes(
        database,
        [](pqxx::work& other) {
            other.exec(
                "INSERT INTO engagements (id, created_at, fetched_at, core_hash) VALUES ('n7', "
                "'2024-01-01 12:00:07Z', '2024-01-01 11:00:00Z', '\\x00112233445566778899aabbccddeeff')");
        },
        [&] { counts = commit(many_new(kMany, kNoon)); });
    EXPECT_EQ(counts.inserted, kMany - 1);
    EXPECT_EQ(counts.changed, 1);
    EXPECT_EQ(sql("SELECT count(*), count(visitor_name) FROM engagements"), "220|220");
}
TEST_F(Sinks, HoweverManyAreNewAllAreWritten) {
    for (const int count : {255, 256, 257, 512, 1'100}) {
        SCOPED_TRACE(count);
        sql("TRUNCATE engagements, engagement_sites, engagement_operators, engagement_queues, "
            "audio_recordings, "
            "work_items");
        EXPECT_EQ(commit(many_new(count, kNoon)).inserted, count);
        const std::string all = std::to_string(count);
        EXPECT_EQ(
            sql("SELECT count(*), max(created_at) - min(created_at) = make_interval(secs => count(*) - 1), "
                "bool_and(visitor_name LIKE 'Ann%') FROM engagements"),
            all + "|t|t");
        EXPECT_EQ(
            sql("SELECT (SELECT count(*) FROM engagement_sites), (SELECT count(*) FROM "
                "engagement_operators), "
                "(SELECT count(*) FROM engagement_queues), (SELECT count(*) FROM audio_recordings), (SELECT "
                "count(*) FROM detail_queue)"),
            all + "|" + all + "|" + all + "|" + std::to_string(2 * count) + "|" + all);
    }
}
TEST_F(Sinks, TheQueuesNameIsThatOfTheNewestEngagement) {
    Engagement newest = engagement("e2");
    newest.created_at = kNoon + Seconds{3600};
    newest.queues = {{"q1", "New name"}};
    commit({listed(newest)});
    commit({listed(engagement("e1"), kNoon + Seconds{9})});  // an old engagement, read later
    EXPECT_EQ(sql("SELECT name FROM queues"), "New name");
    newest.queues = {{"q1", "Newer name"}};
    commit({listed(newest, kNoon + Seconds{20})});  // the same engagement, read again
    EXPECT_EQ(sql("SELECT name FROM queues"), "Newer name");
}
TEST_F(Sinks, NewListItemsAreQueuedForTheirLegsAndDetailsSettleThem) {
    EXPECT_EQ(commit({listed(engagement("e1"))}).queued, 1);
    const auto jobs = sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}});
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}}).empty());
    Batch batch;
    batch.engagements = {detailed(engagement("e1"), kNoon + Seconds{1})};
    batch.details = {{{"e1"}, kNoon + Seconds{1}, "", {}, false, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT count(*) FROM detail_queue"), "0");
}
TEST_F(Sinks, ADetailOlderThanTheListItemThatAsksDoesNotSettle) {
    commit({listed(engagement("e1"), kNoon + Seconds{30})});
    Batch batch;
    batch.details = {{{"e1"}, kNoon, "", {}, false, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT count(*), bool_and(claimed_by IS NULL) FROM detail_queue"), "1|t");
}
TEST_F(Sinks, ADetailWhoseClaimHasPassedIsNotWrittenAndTheOthersAre) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    ASSERT_EQ(sink->work_queue().claim({WorkKind::detail, "you", 1, Seconds{60}}).size(), 1u);
    const std::string yours = sql("SELECT engagement_id FROM detail_queue WHERE claimed_by = 'you'");
    Batch batch;
    batch.claim_owner = "me";
    for (const char* id : {"e1", "e2"}) {
        batch.engagements.push_back(detailed(engagement(id), kNoon + Seconds{1}));
        batch.details.push_back({{id}, kNoon + Seconds{1}, "", {}, false, true});
    }
    EXPECT_EQ(sink->commit(batch, std::nullopt).legs, 1);
    EXPECT_EQ(sql("SELECT engagement_id, claimed_by FROM detail_queue"), yours + "|you");
    EXPECT_EQ(sql("SELECT count(DISTINCT engagement_id), bool_or(engagement_id = '" + yours + "') FROM legs"),
              "1|f");
}
TEST_F(Sinks, AFailureIsNotNotedByAnOwnerWhoseClaimHasPassed) {
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}});
    Batch batch;
    batch.claim_owner = "me";
    batch.details = {{{"e1"}, std::nullopt, "HTTP 404", Seconds{3600}, true, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT attempts, parked, claimed_by FROM detail_queue"), "0|f|you");
}
TEST_F(Sinks, ClaimsAreRenewedByTheirOwnerOnly) {
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{0}});
    sink->work_queue().renew(WorkKind::detail, "you", {{"e1"}}, Seconds{600});
    EXPECT_EQ(sql("SELECT claimed_until <= now() FROM detail_queue"), "t");
    sink->work_queue().renew(WorkKind::detail, "me", {{"e1"}}, Seconds{600});
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "you", 10, Seconds{60}}).empty());
}
TEST_F(Sinks, AFailedDetailWaitsAndIsParked) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.details = {{{"e1"}, std::nullopt, "HTTP 404", Seconds{3600}, true, true}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(sql("SELECT attempts, parked, last_error, next_attempt_at > now() + interval '59 minutes' FROM "
                  "detail_queue"),
              "1|t|HTTP 404|t");
    EXPECT_EQ(sink->reports().status().details_parked, 1);
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).empty());
}
TEST_F(Sinks, TheNewestDetailsAreClaimedFirst) {
    Engagement late = engagement("e2");
    late.created_at = kNoon + Seconds{60};
    commit({listed(engagement("e1")), listed(late)});
    EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 1, Seconds{60}}).at(0).engagement_id, "e2");
}
TEST_F(Sinks, OngoingEngagementsComeBackUntilTheyHaveEnded) {
    Engagement open = engagement("e1");
    open.legs = {leg("l1")};
    open.legs->at(0).ended_at.reset();
    FetchedEngagement fetched = detailed(open);
    fetched.refetch_in = Seconds{0};
    commit({fetched});
    EXPECT_EQ(sink->work_queue().enqueue_ongoing(false), 1);
    commit({detailed(engagement("e1"), kNoon + Seconds{60})});
    EXPECT_EQ(sql("SELECT count(*) FROM ongoing_engagements"), "0");
}
TEST_F(Sinks, ARejectedRecordIsCountedNotRepeatedAndResolvedOnceItLoads) {
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
TEST_F(Sinks, AnUnchangedEngagementSettlesWhatWasRejectedOfItsListItem) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.rejected = {{{"e1", "{}", "why"}, RecordSource::list, "s1"}};
    sink->commit(batch, std::nullopt);
    EXPECT_EQ(commit({listed(engagement("e1"))}).unchanged, 1);
    EXPECT_EQ(sink->reports().status().rejected, 0);
}
TEST_F(Sinks, AListItemDoesNotSettleARejectedDetail) {
    commit({listed(engagement("e1"))});
    Batch batch;
    batch.rejected = {{{"e1", "{}", "why"}, RecordSource::detail, ""}};
    sink->commit(batch, std::nullopt);
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sink->reports().status().rejected, 1);
    commit({detailed(engagement("e1"))});
    EXPECT_EQ(sink->reports().status().rejected, 0);
}
TEST_F(Sinks, RejectedRecordsAreFoundByNumberAndSite) {
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
TEST_F(Sinks, ARecordThatPostgresRefusesCostsOnlyItself) {
    Engagement bad = engagement("e2");
    bad.extra = "{\"a\":";  // no parser of ours lets this through
    const CommitCounts counts = commit({listed(engagement("e1")), listed(bad), listed(engagement("e3"))});
    EXPECT_EQ(counts.inserted, 2);
    EXPECT_EQ(counts.rejected, 1);
    EXPECT_EQ(sql("SELECT string_agg(id, ',' ORDER BY id) FROM engagements"), "e1,e3");
    EXPECT_EQ(sql("SELECT engagement_id FROM rejected_records"), "e2");
}

PassCheckpoint checkpoint(const SiteLease& lease, bool complete) {
    PassCheckpoint result;
    result.target = SiteTarget{lease.site_id, lease.epoch};
    result.pass.from = kNoon;
    result.pass.started_at = kNoon + Seconds{5};
    if (!complete) result.pass.next_page = "https://x/?cursor=1";
    result.complete = complete;
    if (complete) result.watermark = result.pass.started_at;
    return result;
}

TEST_F(Sinks, AResetMovesTheWatermarkBackAndStopsWhoeverReads) {
    const SiteLease first = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    sink->commit({}, checkpoint(first, true));
    sink->site_leases().release({"s1", first.epoch}, {std::chrono::hours{1}, ""});
    const SiteLease second = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    sink->commit({}, checkpoint(second, false));
    EXPECT_FALSE(sink->site_leases().reset({"s1"}, kNoon + Seconds{5}).moved);
    const ResetResult result = sink->site_leases().reset({"s1"}, kNoon - Seconds{60});
    EXPECT_TRUE(result.moved);
    EXPECT_EQ(result.before, kNoon + Seconds{5});
    EXPECT_THROW(sink->commit({}, checkpoint(second, true)), SinkError);
    const SiteLease third =
        *sink->site_leases().acquire({"s1"}, "you", Seconds{30}, false).lease;  // it is due at once
    EXPECT_EQ(third.synced_through, kNoon - Seconds{60});
    EXPECT_FALSE(third.open_pass);
    EXPECT_FALSE(sink->site_leases().reset({"unknown"}, kNoon).known);
}
TEST_F(Sinks, WorkIsNotTakenOnInASchemaThatIsNewer) {
    commit({listed(engagement("e1"))});
    sql("INSERT INTO schema_version (version) VALUES (999)");
    EXPECT_THROW(sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true), SinkError);
    EXPECT_THROW(sink->work_queue().claim({WorkKind::detail, "me", 1, Seconds{30}}), SinkError);
    EXPECT_EQ(sql("SELECT count(*) FROM detail_queue WHERE claimed_by IS NOT NULL"), "0");
}
TEST_F(Sinks, TheCheckpointIsWrittenWithItsRowsAndResumed) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    Batch batch;
    batch.engagements = {listed(engagement("e1"))};
    sink->commit(batch, checkpoint(lease, false));
    sink->site_leases().release({"s1", lease.epoch}, {});
    const SiteLease next = *sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease;
    ASSERT_TRUE(next.open_pass);
    EXPECT_EQ(next.open_pass->next_page, "https://x/?cursor=1");
    EXPECT_EQ(next.open_pass->started_at, kNoon + Seconds{5});
    EXPECT_EQ(next.synced_through, std::nullopt);
    sink->commit({}, checkpoint(next, true));
    EXPECT_EQ(sql("SELECT synced_through = '2024-01-01 12:00:05Z', pass_from IS NULL, last_success_at IS NOT "
                  "NULL FROM sync_state"),
              "t|t|t");
    EXPECT_EQ(sql("SELECT mode, site_id, error FROM sync_runs"), "incremental|s1|NULL");
}
TEST_F(Sinks, ACommitUnderALostLeaseWritesNothing) {
    const SiteLease lease =
        *sink->site_leases().acquire({"s1"}, "me", Seconds{0}, true).lease;  // expired at once
    const auto other = open();
    ASSERT_TRUE(other->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease);
    Batch batch;
    batch.engagements = {listed(engagement("e1"))};
    try {
        sink->commit(batch, checkpoint(lease, true));
        FAIL() << "the fence let it through";
    } catch (const SinkError& error) {
        EXPECT_EQ(error.kind(), SinkError::Kind::lease_lost);
    }
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "0");
    EXPECT_EQ(sql("SELECT synced_through FROM sync_state"), "NULL");
}
TEST_F(Sinks, ALeaseIsHeldByOneAndGivenBack) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    const SiteAcquired refused = sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true);
    EXPECT_FALSE(refused.lease);
    EXPECT_EQ(refused.owner, "me");
    EXPECT_EQ(sink->reports().status().sites.at(0).lease_owner, "me");
    SiteRelease release;
    release.next_poll_in = std::chrono::hours{1};
    release.error = "HTTP 503";
    sink->site_leases().release({"s1", lease.epoch}, release);
    EXPECT_FALSE(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, false).lease);  // not due
    EXPECT_EQ(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease->failures, 1);
    EXPECT_EQ(sink->reports().status().sites.at(0).last_error, "HTTP 503");
}
TEST_F(Sinks, ALeaseMayGoBackWithTheLastCommitOfAPass) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    PassCheckpoint last = checkpoint(lease, true);
    last.release = SiteRelease{std::chrono::hours{1}, ""};
    sink->commit({}, last);
    EXPECT_FALSE(sink->reports().status().sites.at(0).lease_owner);
    EXPECT_FALSE(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, false).lease) << "it is not due";
    // Whoever did not hear that it was committed says it again.
    EXPECT_NO_THROW(sink->commit({}, last));
    ASSERT_TRUE(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease);
    EXPECT_THROW(sink->commit({}, last), SinkError) << "by now it is somebody else's";
}
TEST_F(Sinks, WhatADeadInstanceHeldIsFreedAndFenced) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "dead", Seconds{30}, true).lease;
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "dead", 10, Seconds{300}});
    EXPECT_EQ(sink->instances().lease_owners(), std::vector<std::string>{"dead"});
    sink->instances().release_leases_of_dead("dead");
    EXPECT_TRUE(sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease);
    EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).size(), 1u);
    EXPECT_THROW(sink->commit({}, checkpoint(lease, true)), SinkError);
}
TEST_F(Sinks, ARevisitIsRememberedWithTheTiersItCovers) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    PassCheckpoint done = checkpoint(lease, true);
    done.target = TierTarget{"s1", lease.epoch, {Seconds{3600}, Seconds{86'400}}};
    done.watermark.reset();
    sink->commit({}, done);
    sink->site_leases().release({"s1", lease.epoch}, {});
    const SiteLease next = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    EXPECT_EQ(next.tiers.size(), 2u);
    EXPECT_EQ(next.synced_through, std::nullopt);
}

BackfillSpec spec() {
    BackfillSpec result;
    result.from = kNoon;
    result.to = kNoon + Seconds{3 * 86'400};
    result.window = Seconds{86'400};
    result.sites = {"s1", "s2"};
    return result;
}

TEST_F(Sinks, ABackfillIsSplitIntoWindowsThatCoverTheRange) {
    BackfillSpec uneven = spec();
    uneven.to += Seconds{1};
    const BackfillState state = sink->backfills().open(uneven);
    EXPECT_EQ(sink->backfills().progress(state.id).windows_total, 8);
    EXPECT_EQ(sql("SELECT max(window_to) - min(window_from), sum(window_to - window_from) FROM "
                  "backfill_windows WHERE site_id = 's1'"),
              "3 days 00:00:01|3 days 00:00:01");
}
TEST_F(Sinks, TheSameBackfillAgainGoesOn) {
    const BackfillState first = sink->backfills().open(spec());
    const WindowLease window = sink->backfills().claim_windows({first.id, "me", Seconds{30}, {}, 1}).at(0);
    PassCheckpoint done;
    done.target = window.target;
    done.pass = window.pass;
    done.pass.engagements = 7;
    done.complete = true;
    sink->commit({}, done);
    const BackfillState again = sink->backfills().open(spec());
    EXPECT_TRUE(again.resumed);
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(sink->backfills().progress(again.id).windows_done, 1);
    EXPECT_EQ(sink->reports().status().backfills.at(0).engagements, 7);
    BackfillSpec restart = spec();
    restart.restart = true;
    EXPECT_EQ(sink->backfills().progress(sink->backfills().open(restart).id).windows_done, 0);
}
TEST_F(Sinks, AnOpenEndIsKeptWhileTheBackfillIsUnfinished) {
    BackfillSpec open_ended = spec();
    open_ended.to_is_open = true;
    const BackfillState first = sink->backfills().open(open_ended);
    open_ended.to += Seconds{600};
    EXPECT_EQ(sink->backfills().open(open_ended).to, first.to);
    sink->backfills().finish(first.id);
    EXPECT_NE(sink->backfills().open(open_ended).id, first.id);
}
TEST_F(Sinks, AFinishedBackfillWithAnEndSaysSo) {
    const BackfillState state = sink->backfills().open(spec());
    sink->backfills().finish(state.id);
    EXPECT_TRUE(sink->backfills().open(spec()).already_complete);
    EXPECT_TRUE(sink->reports().status().backfills.empty());
}
TEST_F(Sinks, NobodyWaitsForAWindowWhoseLeaseRanOutLongAgo) {
    expect_old_leases_of_windows_are_free(*sink);
}

TEST_F(Sinks, WindowsAreClaimedInOrderAndEachOnce) {
    const BackfillState state = sink->backfills().open(spec());
    const auto first = sink->backfills().claim_windows({state.id, "me", Seconds{30}, {}, 4});
    const auto second = sink->backfills().claim_windows({state.id, "me", Seconds{30}, {"s1"}, 4});
    ASSERT_EQ(first.size(), 4U);
    ASSERT_EQ(second.size(), 1U);
    std::string order;
    for (const auto* leases : {&first, &second}) {
        for (const WindowLease& lease : *leases) order += lease.target.site_id + " ";
    }
    EXPECT_EQ(order, "s1 s2 s1 s2 s2 ");
    EXPECT_TRUE(first[0].target.from == first[1].target.from && first[1].target.from < first[2].target.from);
}
TEST_F(Sinks, OfWindowsCommittedTogetherNothingIsWrittenIfTheLeaseOfOneIsLost) {
    const BackfillState state = sink->backfills().open(spec());
    const WindowLease lost = sink->backfills().claim_windows({state.id, "me", Seconds{0}, {}, 1}).at(0);
    const auto held = sink->backfills().claim_windows({state.id, "you", Seconds{30}, {}, 2});
    std::vector<Batch> batches(2);
    std::vector<PassCheckpoint> checkpoints(2);
    for (std::size_t i = 0; i < 2; ++i) {
        batches[i].engagements = {listed(engagement("e" + std::to_string(i)))};
        checkpoints[i].target = held[i].target;
        checkpoints[i].pass = held[i].pass;
        checkpoints[i].complete = true;
    }
    const std::vector<CommitPart> parts{{batches.data(), checkpoints.data()},
                                        {batches.data() + 1, checkpoints.data() + 1}};
    PassCheckpoint late = checkpoints[1];
    late.target = lost.target;
    EXPECT_THROW(sink->commit_together({parts[0], {&batches[1], &late}}), SinkError);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "0");
    EXPECT_EQ(sink->backfills().progress(state.id).windows_done, 0);
    EXPECT_EQ(sink->commit_together(parts).size(), 2U);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "2");
    EXPECT_EQ(sink->backfills().progress(state.id).windows_done, 2);
}
TEST_F(Sinks, AWindowIsFencedByItsOwnLease) {
    const BackfillState state = sink->backfills().open(spec());
    const WindowLease window = sink->backfills().claim_windows({state.id, "me", Seconds{0}, {}, 1}).at(0);
    const WindowLease taken = sink->backfills().claim_windows({state.id, "you", Seconds{30}, {}, 1}).at(0);
    ASSERT_EQ(taken.target.site_id, window.target.site_id);
    PassCheckpoint late;
    late.target = window.target;
    late.pass = window.pass;
    EXPECT_THROW(sink->commit({}, late), SinkError);
}

TEST_F(Sinks, WritersOfTheSameEngagementsEndInTheSameRows) {
    // Both insert what the other inserts, in overlapping batches: COPY meets the other's rows and falls back
    // to the merge.
    const auto write = [&](int offset) {
        const auto mine = open();
        for (int round = 0; round < 20; ++round) {
            Batch batch;
            for (int i = 0; i < 40; ++i)
                batch.engagements.push_back(
                    listed(engagement("e" + std::to_string(round * 20 + (i * 7 + offset) % 60)),
                           kNoon + Seconds{offset}));
            mine->commit(batch, std::nullopt);
        }
    };
    std::thread first(write, 1), second(write, 2), third(write, 3);
    first.join();
    second.join();
    third.join();
    EXPECT_EQ(sql("SELECT count(*) = count(DISTINCT id) FROM engagements"), "t");
    EXPECT_EQ(sql("SELECT count(*) FROM engagements e WHERE (SELECT count(*) FROM audio_recordings a WHERE "
                  "a.engagement_id = e.id) <> 2"),
              "0");
}

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
void run_script(const Database& database, const std::string& script) {
    pqxx::connection connection(database.dsn());
    pqxx::nontransaction(connection).exec(script);
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
    run_script(printed, postgres::migration_script("glia"));
    postgres::open({migrated.dsn(), "glia"})->migrate();
    EXPECT_EQ(everything_of(printed), everything_of(migrated));
    EXPECT_NO_THROW(postgres::open({printed.dsn(), "glia"})->require_schema());
    run_script(printed, postgres::migration_script("glia"));
    EXPECT_EQ(everything_of(printed), everything_of(migrated));
}
TEST(Schema, EveryOlderVersionIsBroughtToTheLatestByTheProgramAndByTheScript) {
    const Database whole;
    postgres::open({whole.dsn(), "glia"})->migrate();
    for (int version = 1; version < postgres::latest_schema_version(); ++version) {
        const Database by_program, by_script;
        for (const Database* old : {&by_program, &by_script}) {
            run_script(*old, postgres::migration_script("glia", version));
            EXPECT_EQ(old->sql("SELECT max(version) FROM glia.schema_version"), std::to_string(version));
            EXPECT_THROW(postgres::open({old->dsn(), "glia"})->require_schema(), SinkError);
        }
        postgres::open({by_program.dsn(), "glia"})->migrate();
        run_script(by_script, postgres::migration_script("glia"));
        EXPECT_EQ(everything_of(by_program), everything_of(whole));
        EXPECT_EQ(everything_of(by_script), everything_of(whole));
    }
}

/// A row in every table of version 1, as a program of that time has left them.
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
        run_script(database, postgres::migration_script("glia", version));
        run_script(database, kOldRows);
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
        // What was due is due still, and what waits still waits.
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

SinkError::Kind kind_of(const std::string& dsn) {
    try {
        postgres::open({dsn, "glia"})->migrate();
    } catch (const SinkError& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        return error.kind();
    }
    return SinkError::Kind::internal;
}

TEST(Connecting, EachFailureHasItsKind) {
    const Database database;
    EXPECT_EQ(kind_of(database.dsn("dbname=nosuch")), SinkError::Kind::misconfigured);
    EXPECT_EQ(kind_of(database.dsn("user=nosuch")), SinkError::Kind::misconfigured);
    EXPECT_EQ(kind_of(database.dsn("port=1")), SinkError::Kind::unavailable);
    EXPECT_EQ(kind_of("hots=x"), SinkError::Kind::misconfigured);
}
TEST(Connecting, AMissingPrivilegeIsSaid) {
    const Database database;
    database.sql("CREATE ROLE \"" + database.name() + "\" LOGIN");
    EXPECT_EQ(kind_of(database.dsn("user=" + database.name())), SinkError::Kind::denied);
    const auto seen = postgres::inspect({database.dsn("user=" + database.name()), "glia"});
    EXPECT_FALSE(seen.may_create);
}
TEST(Connecting, AConnectionThatWasCutWhileIdleIsReplacedWithoutAFailure) {
    const Database database;
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    database.outside("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                     database.name() + "'");
    EXPECT_NO_THROW(sink->require_schema());
}

}  // namespace
}  // namespace glia
