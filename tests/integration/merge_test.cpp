// What a commit of engagements writes to the tables, and what it leaves alone (DESIGN.md §3.2).
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Merge : public SinkTest {};

TEST_F(Merge, WritesEveryColumnAsItWas) {
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sql("SELECT visitor_name = E'Ann \\\\N \\t\\n\"x\" {,}', duration, flagged, video_used IS "
                  "NULL, extra, created_at = '2024-01-01 12:00Z' FROM engagements"),
              "t|5|f|t|{\"a\": [1, 2.50]}|t");
    EXPECT_EQ(sql("SELECT position, url FROM audio_recordings ORDER BY 1"), "0|u1\n1|u2");
    EXPECT_EQ(sql("SELECT operator_id, href FROM engagement_operators"), "o1|https://x/operators/o1");
    EXPECT_EQ(sql("SELECT site_id FROM engagement_sites"), "s1");
    EXPECT_EQ(sql("SELECT id, name FROM queues"), "q1|Old name");
}

TEST_F(Merge, TheSameAgainWritesNoRowVersion) {
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

TEST_F(Merge, UnchangedRowsAreNotEvenLocked) {
    commit({listed(engagement("e1"))});
    pqxx::connection other(database.dsn());
    pqxx::work holding(other);
    holding.exec("SELECT FROM glia.engagements FOR UPDATE");
    EXPECT_EQ(commit({listed(engagement("e1"))}).unchanged, 1);
}

TEST_F(Merge, ChildrenAreReplacedAsASetAndOnlyWhereTheyDiffer) {
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

TEST_F(Merge, ChildrenThatSomebodyLeftBehindAreNotInTheWay) {
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

TEST_F(Merge, AListItemWithoutLegsLeavesLegsAlone) {
    commit({listed(engagement("e1"))});
    commit({detailed(engagement("e1"))});
    Engagement changed = engagement("e1");
    changed.flagged = true;
    commit({listed(changed, kNoon + Seconds{5})});
    EXPECT_EQ(sql("SELECT id, ended_at IS NOT NULL FROM legs"), "l1|t");
    EXPECT_EQ(sql("SELECT flagged FROM engagements"), "t");
}

TEST_F(Merge, LegsAreReplacedAsASet) {
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

TEST_F(Merge, OfTwoLegsWithOneIdTheLastCounts) {
    Engagement e = engagement("e1");
    e.legs = {leg("l1"), leg("l1")};
    e.legs->at(1).duration = 9;
    commit({detailed(e)});
    EXPECT_EQ(sql("SELECT id, position, duration FROM legs"), "l1|1|9");
}

TEST_F(Merge, AnOlderResponseIsLeftOut) {
    Engagement newer = engagement("e1");
    newer.flagged = true;
    commit({listed(newer, kNoon + Seconds{10})});
    EXPECT_EQ(commit({listed(engagement("e1"), kNoon)}).stale, 1);
    EXPECT_EQ(sql("SELECT flagged FROM engagements"), "t");
}

TEST_F(Merge, OfOneEngagementTwiceInABatchTheLaterCounts) {
    Engagement later = engagement("e1");
    later.flagged = true;
    commit({listed(engagement("e1")), listed(later, kNoon + Seconds{1})});
    EXPECT_EQ(sql("SELECT count(*), bool_and(flagged) FROM engagements"), "1|t");
}

TEST_F(Merge, ASecondSitesListingIsNoted) {
    commit({listed(engagement("e1"))});
    EXPECT_EQ(commit({listed(engagement("e1"), kNoon, "s2")}).newly_listed, 1);
    EXPECT_EQ(commit({listed(engagement("e1"), kNoon, "s2")}).newly_listed, 0);
    EXPECT_EQ(commit({listed(engagement("e1"), kNoon, "s1")}).newly_listed, 0);
    EXPECT_EQ(sql("SELECT string_agg(site_id, ',' ORDER BY site_id) FROM engagement_sites"), "s1,s2");
}

TEST_F(Merge, TheQueuesNameIsThatOfTheNewestEngagement) {
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
TEST_F(Merge, AQueueWithoutANameGetsThatOfAnOlderEngagement) {
    Engagement newest = engagement("e2");
    newest.created_at = kNoon + Seconds{3600};
    QueueRef unnamed;
    unnamed.id = "q1";
    newest.queues = {unnamed};
    commit({listed(newest, kNoon + Seconds{9})});
    EXPECT_EQ(sql("SELECT name FROM queues"), "NULL");
    commit({listed(engagement("e1"))});
    EXPECT_EQ(sql("SELECT name FROM queues"), "Old name");
}

}  // namespace
}  // namespace glia
