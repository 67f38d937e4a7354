// Several writers of the same engagements: the second one decides again, from what the first has written.
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class ConcurrentWriters : public SinkTest {};

TEST_F(ConcurrentWriters, WhatAnotherWriterWasQuickerWithIsDecidedAgain) {
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

TEST_F(ConcurrentWriters, LegsThatCameMeanwhileAreNotTakenAwayByOlderOnes) {
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

TEST_F(ConcurrentWriters, AnEngagementThatIsErasedMeanwhileLeavesNoOrphans) {
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

TEST_F(ConcurrentWriters, WritersOfTheSameEngagementsEndInTheSameRows) {
    // Both insert the same engagements, in overlapping batches: COPY meets rows of the other writer and falls
    // back to the merge.
    const auto write = [&](int offset) {
        const auto own_sink = open();
        for (int round = 0; round < 20; ++round) {
            Batch batch;
            for (int i = 0; i < 40; ++i)
                batch.engagements.push_back(
                    listed(engagement("e" + std::to_string(round * 20 + (i * 7 + offset) % 60)),
                           kNoon + Seconds{offset}));
            own_sink->commit(batch, std::nullopt);
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

}  // namespace
}  // namespace glia
