// Leases of sites and the checkpoints under them (DESIGN.md §3.1, §3.3, §3.8).
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class SiteLeases : public SinkTest {};

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

TEST_F(SiteLeases, AResetMovesTheWatermarkBackAndStopsWhoeverReads) {
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

TEST_F(SiteLeases, WorkIsNotTakenOnInASchemaThatIsNewer) {
    commit({listed(engagement("e1"))});
    sql("INSERT INTO schema_version (version) VALUES (999)");
    EXPECT_THROW(sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true), SinkError);
    EXPECT_THROW(sink->work_queue().claim({WorkKind::detail, "me", 1, Seconds{30}}), SinkError);
    EXPECT_EQ(sql("SELECT count(*) FROM detail_queue WHERE claimed_by IS NOT NULL"), "0");
}

TEST_F(SiteLeases, TheCheckpointIsWrittenWithItsRowsAndResumed) {
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

TEST_F(SiteLeases, ACommitUnderALostLeaseWritesNothing) {
    const SiteLease lease =
        *sink->site_leases().acquire({"s1"}, "me", Seconds{0}, true).lease;  // expired at once
    const auto other = open();
    ASSERT_TRUE(other->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease);
    Batch batch;
    batch.engagements = {listed(engagement("e1"))};
    try {
        sink->commit(batch, checkpoint(lease, true));
        FAIL() << "the old epoch was accepted";
    } catch (const SinkError& error) {
        EXPECT_EQ(error.kind(), SinkError::Kind::lease_lost);
    }
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "0");
    EXPECT_EQ(sql("SELECT synced_through FROM sync_state"), "NULL");
}

TEST_F(SiteLeases, ALeaseIsHeldByOneAndGivenBack) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    const SiteAcquired refused = sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true);
    EXPECT_FALSE(refused.lease);
    EXPECT_EQ(refused.instance_id, "me");
    EXPECT_EQ(sink->reports().status().sites.at(0).lease_owner, "me");
    SiteRelease release;
    release.next_poll_in = std::chrono::hours{1};
    release.error = "HTTP 503";
    sink->site_leases().release({"s1", lease.epoch}, release);
    const SiteAcquired not_due = sink->site_leases().acquire({"s1"}, "you", Seconds{30}, false);
    EXPECT_FALSE(not_due.lease);
    EXPECT_EQ(not_due.failures, 1);
    EXPECT_EQ(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease->failures, 1);
    EXPECT_EQ(sink->reports().status().sites.at(0).last_error, "HTTP 503");
}

TEST_F(SiteLeases, ALeaseMayGoBackWithTheLastCommitOfAPass) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease;
    PassCheckpoint last = checkpoint(lease, true);
    last.release = SiteRelease{std::chrono::hours{1}, ""};
    sink->commit({}, last);
    EXPECT_FALSE(sink->reports().status().sites.at(0).lease_owner);
    EXPECT_FALSE(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, false).lease) << "it is not due";
    // An instance that did not get the response to its commit commits again.
    EXPECT_NO_THROW(sink->commit({}, last));
    ASSERT_TRUE(sink->site_leases().acquire({"s1"}, "you", Seconds{30}, true).lease);
    EXPECT_THROW(sink->commit({}, last), SinkError) << "another instance has the lease";
}

TEST_F(SiteLeases, WhatADeadInstanceHeldIsFreedAndFenced) {
    const SiteLease lease = *sink->site_leases().acquire({"s1"}, "dead", Seconds{30}, true).lease;
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "dead", 10, Seconds{300}});
    EXPECT_EQ(sink->instances().lease_owners(), std::vector<std::string>{"dead"});
    sink->instances().release_leases_of_dead("dead");
    EXPECT_TRUE(sink->site_leases().acquire({"s1"}, "me", Seconds{30}, true).lease);
    EXPECT_EQ(sink->work_queue().claim({WorkKind::detail, "me", 10, Seconds{60}}).size(), 1u);
    EXPECT_THROW(sink->commit({}, checkpoint(lease, true)), SinkError);
}

TEST_F(SiteLeases, ClaimsOfAnInstanceThatWasTakenForDeadHoldAgainWithItsNextClaim) {
    commit({listed(engagement("e1")), listed(engagement("e2"))});
    const auto claim = [&](const std::string& instance) {
        return sink->work_queue().claim({WorkKind::detail, instance, 1, Seconds{300}}).size();
    };
    EXPECT_EQ(claim("slow"), 1u);
    sink->instances().release_leases_of_dead("slow");
    EXPECT_TRUE(sink->instances().lease_owners().empty());
    EXPECT_EQ(claim("slow"), 1u);
    EXPECT_EQ(sink->instances().lease_owners(), std::vector<std::string>{"slow"});
    EXPECT_EQ(claim("slow") + claim("slow"), 1u) << "one that was released may be claimed again";
    EXPECT_EQ(claim("me"), 0u);
}

TEST_F(SiteLeases, ARenewedClaimIsOneThatItsInstanceHolds) {
    commit({listed(engagement("e1"))});
    const auto claimed = sink->work_queue().claim({WorkKind::detail, "me", 1, Seconds{300}});
    sql("UPDATE work_items SET claimed_until = now(); UPDATE claiming_instances SET claims_until = now()");
    EXPECT_TRUE(sink->instances().lease_owners().empty());
    sink->work_queue().renew(WorkKind::detail, "me", claimed, Seconds{300});
    EXPECT_EQ(sink->instances().lease_owners(), std::vector<std::string>{"me"});
    EXPECT_TRUE(sink->work_queue().claim({WorkKind::detail, "you", 1, Seconds{300}}).empty());
}

TEST_F(SiteLeases, InstancesWhoseClaimsHaveExpiredAreForgotten) {
    commit({listed(engagement("e1"))});
    sink->work_queue().claim({WorkKind::detail, "gone", 1, Seconds{300}});
    sink->work_queue().claim({WorkKind::detail, "idle", 1, Seconds{300}});
    EXPECT_EQ(sql("SELECT instance FROM claiming_instances"), "gone") << "who claims nothing has no row";
    sql("UPDATE claiming_instances SET claims_until = now() - interval '2 hours'");
    sink->instances().save_server_clock("machine", std::chrono::microseconds{0});
    EXPECT_EQ(sql("SELECT count(*) FROM claiming_instances"), "0");
}

// An update that changes a column of an index, or of its condition, writes an entry into every index of the
// table.
TEST_F(SiteLeases, AClaimChangesNoIndexedColumn) {
    EXPECT_EQ(sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'work_items' AND indexdef ~ 'claimed'"),
              "0");
    EXPECT_EQ(sql("SELECT count(*) > 1 FROM pg_indexes WHERE tablename = 'work_items'"), "t");
}

TEST_F(SiteLeases, ARevisitIsRememberedWithTheTiersItCovers) {
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

}  // namespace
}  // namespace glia
