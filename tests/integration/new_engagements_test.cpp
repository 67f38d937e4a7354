// Pages of many new engagements: a scan of their range decides that they are new, and must not be wrong.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class NewEngagements : public SinkTest {};

constexpr int kMany = 220;
/// `count` new engagements of a site, created one second apart from `created_at` on. kMany are enough for a
/// commit to scan their range instead of looking up each of them.
std::vector<FetchedEngagement> many_new(int count, Instant created_at, const std::string& site = "s1") {
    std::vector<FetchedEngagement> many;
    for (int i = 0; i < count; ++i) {
        FetchedEngagement& one = many.emplace_back(listed(engagement("n" + std::to_string(i)), kNoon, site));
        one.engagement.created_at = created_at + Seconds{i};
    }
    return many;
}

TEST_F(NewEngagements, AmongManyNewOnesWhatAnotherSiteListedFirstIsKnown) {
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

TEST_F(NewEngagements, AmongManyNewOnesWhatNoSiteHasListedYetIsKnown) {
    commit({detailed(engagement("e1"))});
    auto batch = many_new(kMany, kNoon);
    batch.push_back(listed(engagement("e1"), kNoon + Seconds{1}));
    EXPECT_EQ(commit(batch).inserted, kMany);
    EXPECT_EQ(sql("SELECT site_id FROM engagement_sites WHERE engagement_id = 'e1'"), "s1");
    EXPECT_EQ(sql("SELECT count(*) FROM legs"), "1");
}

TEST_F(NewEngagements, AmongManyNewOnesWhatWasCreatedAtAnotherTimeIsFoundAllTheSame) {
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

TEST_F(NewEngagements, AmongManyNewOnesChildrenThatSomebodyLeftBehindAreNotInTheWay) {
    commit({listed(engagement("e1"))});
    sql("DELETE FROM engagements");
    auto batch = many_new(kMany, kNoon);
    batch.push_back(listed(engagement("e1"), kNoon + Seconds{1}));
    EXPECT_EQ(commit(batch).inserted, kMany + 1);
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_sites"), std::to_string(kMany + 1));
}

TEST_F(NewEngagements, OfManyNewOnesAnotherWriterMayBeQuickerWithOne) {
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

TEST_F(NewEngagements, HoweverManyAreNewAllAreWritten) {
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

}  // namespace
}  // namespace glia
