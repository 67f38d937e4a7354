// Pages that show what is stored already: nothing is written, and little is read.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class RereadPages : public SinkTest {};

TEST_F(RereadPages, OfAPageThatIsReadAgainWhatDiffersInAnyWayIsNotPassedOver) {
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
    first.erase(first.begin() + 6);  // so that e16 is new
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
    second[3].engagement.legs.reset();  // as in a list item without legs
    second[4].engagement.created_at -= Seconds{3600};
    const CommitCounts counts = commit(second);
    EXPECT_EQ(counts.inserted, 1);
    EXPECT_EQ(counts.changed, 2);
    EXPECT_EQ(counts.unchanged, 17);
    EXPECT_EQ(counts.legs, 4);  // e11, e12, e15, e16
    EXPECT_EQ(sql("SELECT count(*), count(DISTINCT engagement_id) FROM legs"), "21|20");
    EXPECT_EQ(sql("SELECT count(*) FROM ongoing_engagements"), "0");
    EXPECT_EQ(sink->reports().status().rejected, 1);  // the one without an engagement's id

    const std::string before = versions();
    EXPECT_EQ(commit(second).unchanged, 20);
    EXPECT_EQ(versions(), before);
    EXPECT_EQ(commit(page("s2", kNoon + Seconds{60})).unchanged, 18);
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_sites WHERE site_id = 's2'"), "20");
}

/// Counts the searches in the primary key of engagements. A session reports its counts when it ends, so the
/// sink is reopened.
class Searches : public SinkTest {
  protected:
    std::string searches() {
        sink.reset();
        const std::string others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid() "
            "AND backend_type = 'client backend'";
        database.wait_until(others, "0");
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

TEST_F(Searches, AreNotNeededForAPageThatIsReadAgain) {
    Batch again = page("s1");
    commit(again.engagements);
    const std::string before = searches();
    EXPECT_EQ(commit(again.engagements).unchanged, 20);
    EXPECT_EQ(searches(), before);
    again.engagements.resize(5);
    EXPECT_EQ(commit(again.engagements).unchanged, 5);
    EXPECT_NE(searches(), before);  // a page this small is looked up row by row
}

TEST_F(Searches, AreNotNeededForPagesOfTwoSitesThatShareEngagements) {
    const Batch one = page("s1", 40), two = page("s2");
    sink->commit_together({{&one}, {&two}});
    const std::string before = searches(), rows = versions();
    for (const auto& commits : {std::vector<CheckpointedBatch>{{&one}, {&two}}, {{&two}, {&one}}}) {
        const auto counts = sink->commit_together(commits);
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
    two.engagements[3].engagement.legs.reset();  // as in a list item without legs
    auto counts = sink->commit_together({{&one}, {&two}});
    EXPECT_EQ(counts.at(0).unchanged, 20);
    EXPECT_EQ(counts.at(1).changed, 1);
    EXPECT_EQ(counts.at(1).unchanged, 19);
    EXPECT_EQ(counts.at(1).legs, 2);
    EXPECT_EQ(sql("SELECT id FROM engagements WHERE duration = 7"), "e10");
    EXPECT_EQ(sql("SELECT engagement_id FROM legs WHERE duration = 7"), "e11");
    EXPECT_EQ(sql("SELECT count(*) FROM legs"), "21");

    // List items without legs leave the legs that the other site's listing shows.
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

}  // namespace
}  // namespace glia
