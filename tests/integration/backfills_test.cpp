// Backfills and their windows (DESIGN.md §1, backfill).
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Backfills : public SinkTest {};

BackfillSpec spec() {
    BackfillSpec result;
    result.from = kNoon;
    result.to = kNoon + Seconds{3 * 86'400};
    result.window = Seconds{86'400};
    result.sites = {"s1", "s2"};
    return result;
}

TEST_F(Backfills, ABackfillIsSplitIntoWindowsThatCoverTheRange) {
    BackfillSpec uneven = spec();
    uneven.to += Seconds{1};
    const BackfillState state = sink->backfills().open(uneven);
    EXPECT_EQ(sink->backfills().progress(state.id, {}).windows_total, 8);
    EXPECT_EQ(sql("SELECT max(window_to) - min(window_from), sum(window_to - window_from) FROM "
                  "backfill_windows WHERE site_id = 's1'"),
              "3 days 00:00:01|3 days 00:00:01");
}

TEST_F(Backfills, TheSameBackfillAgainGoesOn) {
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
    EXPECT_EQ(sink->backfills().progress(again.id, {}).windows_done, 1);
    EXPECT_EQ(sink->reports().status().backfills.at(0).engagements, 7);
    BackfillSpec restart = spec();
    restart.restart = true;
    EXPECT_EQ(sink->backfills().progress(sink->backfills().open(restart).id, {}).windows_done, 0);
}

TEST_F(Backfills, AnOpenEndIsKeptWhileTheBackfillIsUnfinished) {
    BackfillSpec open_ended = spec();
    open_ended.to_is_open = true;
    const BackfillState first = sink->backfills().open(open_ended);
    open_ended.to += Seconds{600};
    EXPECT_EQ(sink->backfills().open(open_ended).to, first.to);
    sink->backfills().finish(first.id);
    EXPECT_NE(sink->backfills().open(open_ended).id, first.id);
}

TEST_F(Backfills, AFinishedBackfillWithAnEndSaysSo) {
    const BackfillState state = sink->backfills().open(spec());
    sink->backfills().finish(state.id);
    EXPECT_TRUE(sink->backfills().open(spec()).already_complete);
    EXPECT_TRUE(sink->reports().status().backfills.empty());
}

TEST_F(Backfills, NobodyWaitsForAWindowWhoseLeaseRanOutLongAgo) {
    expect_old_leases_of_windows_are_free(*sink);
}

TEST_F(Backfills, WindowsAreClaimedInOrderAndEachOnce) {
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

TEST_F(Backfills, OfWindowsCommittedTogetherNothingIsWrittenIfTheLeaseOfOneIsLost) {
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
    const std::vector<CheckpointedBatch> commits{{batches.data(), checkpoints.data()},
                                                 {batches.data() + 1, checkpoints.data() + 1}};
    PassCheckpoint late = checkpoints[1];
    late.target = lost.target;
    EXPECT_THROW(sink->commit_together({commits[0], {&batches[1], &late}}), SinkError);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "0");
    EXPECT_EQ(sink->backfills().progress(state.id, {}).windows_done, 0);
    EXPECT_EQ(sink->commit_together(commits).size(), 2U);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "2");
    EXPECT_EQ(sink->backfills().progress(state.id, {}).windows_done, 2);
}

TEST_F(Backfills, AWindowIsFencedByItsOwnLease) {
    const BackfillState state = sink->backfills().open(spec());
    const WindowLease window = sink->backfills().claim_windows({state.id, "me", Seconds{0}, {}, 1}).at(0);
    const WindowLease taken = sink->backfills().claim_windows({state.id, "you", Seconds{30}, {}, 1}).at(0);
    ASSERT_EQ(taken.target.site_id, window.target.site_id);
    PassCheckpoint late;
    late.target = window.target;
    late.pass = window.pass;
    EXPECT_THROW(sink->commit({}, late), SinkError);
}

}  // namespace
}  // namespace glia
