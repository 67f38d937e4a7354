// Comparing the tables with records (DESIGN.md §1, verify), and what the source no longer has (§3.9).
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

using Finding = RecordComparison::Finding;

FetchedEngagement whole(const std::string& id, Instant when = kNoon, std::string site = "s1") {
    FetchedEngagement fetched = detailed(engagement(id), when);
    fetched.site_id = std::move(site);
    return fetched;
}

class VerificationTest : public SinkTest {
  protected:
    void SetUp() override {
        SinkTest::SetUp();
        commit({listed(engagement("e1")), listed(engagement("e2"))});
        commit({detailed(engagement("e1")), detailed(engagement("e2"))});
        EXPECT_EQ(sink->work_queue().due(WorkKind::detail), 2);
        sql("DELETE FROM work_items");
    }
    VerificationStore& store() const { return *sink->verifications(); }
    /// What differs, as "e1 different".
    std::string compared(const std::vector<FetchedEngagement>& records) const {
        std::string text;
        for (const RecordComparison& found : store().compare(records)) {
            const char* kind = found.finding == Finding::missing     ? "missing"
                               : found.finding == Finding::different ? "different"
                                                                     : "legs unknown";
            text += std::string(text.empty() ? "" : ", ") + records[found.record].engagement.id.str() + " " +
                    kind + (found.newer ? " newer" : "");
        }
        return text;
    }
    /// The same after a manual change of the tables, which is then undone.
    std::string compared_after(const std::string& change) {
        const std::string tables =
            "engagements engagement_sites engagement_operators engagement_queues audio_recordings legs "
            "leg_queues queues";
        std::string copies, restores;
        std::istringstream names(tables);
        for (std::string name; names >> name;) {
            copies += "CREATE TABLE public.copy_" + name + " AS TABLE " + name + ";";
            restores += "DELETE FROM " + name + "; INSERT INTO " + name + " SELECT * FROM public.copy_" +
                        name + "; DROP TABLE public.copy_" + name + ";";
        }
        sql(copies);
        sql(change);
        const std::string found = compared({whole("e1"), whole("e2")});
        sql(restores);
        EXPECT_EQ(compared({whole("e1"), whole("e2")}), "") << change;
        return found;
    }
};

TEST_F(VerificationTest, FindsNothingWhereAllIsStoredAsItIs) {
    EXPECT_EQ(compared({whole("e1"), whole("e2")}), "");
    EXPECT_EQ(compared({listed(engagement("e1")), listed(engagement("e2"))}), "");
    EXPECT_EQ(compared({}), "");
}
TEST_F(VerificationTest, FindsEachColumnAndEachRowOfAChild) {
    for (const char* change :
         {"UPDATE engagements SET duration = 6 WHERE id = 'e1'",
          "UPDATE engagements SET visitor_name = NULL WHERE id = 'e1'",
          "UPDATE engagements SET extra = NULL WHERE id = 'e1'",
          "UPDATE engagements SET created_at = created_at + interval '1 microsecond' WHERE id = 'e1'",
          "UPDATE engagements SET missing_since = now() WHERE id = 'e1'",
          "DELETE FROM engagement_sites WHERE engagement_id = 'e1'",
          "DELETE FROM engagement_operators WHERE engagement_id = 'e1'",
          "UPDATE engagement_operators SET href = NULL WHERE engagement_id = 'e1'",
          "UPDATE engagement_queues SET queue_id = NULL WHERE engagement_id = 'e1'",
          "UPDATE audio_recordings SET position = 7 WHERE engagement_id = 'e1' AND position = 1",
          "INSERT INTO audio_recordings (engagement_id, position, url) VALUES ('e1', 2, 'u3')",
          "DELETE FROM legs WHERE engagement_id = 'e1'",
          "UPDATE legs SET ended_at = NULL WHERE engagement_id = 'e1'",
          "INSERT INTO legs (engagement_id, id, position) VALUES ('e1', 'l2', 1)",
          "DELETE FROM leg_queues WHERE engagement_id = 'e1'"}) {
        EXPECT_EQ(compared_after(change), "e1 different") << change;
    }
    EXPECT_EQ(compared_after("DELETE FROM engagements WHERE id = 'e2'"), "e2 missing");
}
TEST_F(VerificationTest, WritesThatArePathsAndHashesOfTheProgramAreNoDifference) {
    EXPECT_EQ(compared_after("UPDATE engagements SET core_hash = '\\x00', list_hash = NULL"), "");
    EXPECT_EQ(compared_after("UPDATE audio_recordings SET path = 'p'"), "");
}
TEST_F(VerificationTest, FindsTheNameOfAQueueAtTheNewestEngagementThatCarriesIt) {
    FetchedEngagement newer = whole("e2");
    newer.engagement.created_at += Seconds{60};
    commit({newer});
    EXPECT_EQ(compared({whole("e1"), newer}), "");
    sql("UPDATE queues SET name = 'Another'");
    EXPECT_EQ(compared({whole("e1"), newer}), "e2 different");
    EXPECT_EQ(compared({whole("e1")}), "") << "the name comes from the newest engagement only";
    sql("UPDATE queues SET name = NULL");
    EXPECT_EQ(compared({whole("e1")}), "e1 different") << "any name is better than none";
    const auto sources = store().queue_name_sources(kNoon, kNoon + Seconds{3600});
    ASSERT_EQ(sources.size(), 1u);
    EXPECT_EQ(sources[0].engagement_id, "e2");
    EXPECT_TRUE(store().queue_name_sources(kNoon, kNoon + Seconds{60}).empty());
}
TEST_F(VerificationTest, LegsThatAreAboutToBeFetchedAreNoDifference) {
    commit({listed(engagement("e3"))});
    EXPECT_EQ(compared({listed(engagement("e3"))}), "");
    EXPECT_EQ(compared({whole("e3")}), "");
    sql("DELETE FROM work_items");
    EXPECT_EQ(compared({listed(engagement("e3"))}), "e3 legs unknown");
}
TEST_F(VerificationTest, SeesOneStateOfTheTablesWhileOthersWrite) {
    // Interrupts a comparison before each of its statements in turn: another connection first stores the
    // legs, and in a second comparison a change.
    constexpr int kMoreThanItHas = 20;
    int longest = 0;
    for (int at = 1; at <= kMoreThanItHas; ++at) {
        const std::string id = "e" + std::to_string(100 + at);
        commit({listed(engagement(id))});
        std::function<void()> interrupt;
        int statements = 0;
        const auto other = postgres::open({.dsn = database.dsn(), .on_statement = [&] {
                                               if (++statements == at && interrupt) interrupt();
                                           }});
        const auto expect_no_difference = [&](const std::function<void()>& write) {
            statements = 0;
            interrupt = write;
            EXPECT_TRUE(other->verifications()->compare({whole(id)}).empty()) << id << " " << at;
            longest = std::max(longest, statements);
        };
        expect_no_difference([&] {
            commit({detailed(engagement(id))});
            sql("DELETE FROM work_items");
        });
        if (at <= 2) continue;  // the change is committed before the snapshot is taken
        Engagement changed = engagement(id);
        changed.duration = 77;
        changed.operators.clear();
        expect_no_difference([&] { commit({detailed(changed, kNoon + Seconds{1})}); });
    }
    EXPECT_GT(longest, 7);
    EXPECT_LT(longest, kMoreThanItHas);
}
TEST_F(VerificationTest, ReportsThatARowIsNewerThanTheResponse) {
    Engagement changed = engagement("e1");
    changed.duration = 77;
    commit({detailed(changed, kNoon + Seconds{10})});
    EXPECT_EQ(compared({whole("e1", kNoon + Seconds{5})}), "e1 different newer");
    EXPECT_EQ(compared({whole("e1", kNoon + Seconds{15})}), "e1 different");
}
TEST_F(VerificationTest, TheVersionOfARowChangesWithEachWrite) {
    const auto version = [&] { return store().compare({whole("e1", kNoon + Seconds{60})}).at(0).version; };
    Engagement changed = engagement("e1");
    changed.duration = 77;
    commit({detailed(changed, kNoon + Seconds{10})});
    const std::string before = version();
    EXPECT_EQ(version(), before);
    changed.duration = 78;
    commit({detailed(changed, kNoon + Seconds{20})});
    EXPECT_NE(version(), before);
}
TEST_F(VerificationTest, WhatWasForgottenIsNotMissing) {
    EXPECT_EQ(compared({whole("e3")}), "e3 missing");
    ForgetOrder order;
    order.engagement_id = "e3";
    sink->erasures().forget(order);
    EXPECT_EQ(compared({whole("e3")}), "");
}
TEST_F(VerificationTest, ADistrustedRowIsWrittenByTheNextCommit) {
    sql("UPDATE engagements SET duration = 6 WHERE id = 'e1'; DELETE FROM legs WHERE engagement_id = 'e1'; "
        "DELETE FROM engagement_sites WHERE engagement_id = 'e1'");
    const FetchedEngagement shown = whole("e1", kNoon + Seconds{60});
    EXPECT_EQ(commit({shown}).unchanged, 1) << "the hashes say that all is stored";
    store().distrust({shown});
    EXPECT_EQ(commit({shown}).changed, 1);
    EXPECT_EQ(compared({shown}), "");
    store().distrust({whole("e9")});
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_sites WHERE engagement_id = 'e9'"), "0");
}
TEST_F(VerificationTest, ListsWhatIsStoredBySites) {
    FetchedEngagement elsewhere = listed(engagement("e1"), kNoon, "s2");
    commit({elsewhere, detailed(engagement("e3"))});  // e3: no listing has shown it
    sql("DELETE FROM engagement_sites WHERE engagement_id = 'e2'");
    std::string all;
    std::optional<StoredCursor> cursor;
    do {
        const StoredPage page = store().stored(kNoon, kNoon + Seconds{1}, {"s1", "s2"}, cursor);
        for (const StoredListing& stored : page.listings) {
            all += stored.engagement_id + ":";
            for (const std::string& site : stored.sites) all += site + ",";
            all += " ";
        }
        cursor = page.next;
    } while (cursor);
    EXPECT_TRUE(all == "e3: e1:s1,s2, e2: " || all == "e3: e1:s2,s1, e2: ") << all;
    EXPECT_TRUE(store().stored(kNoon - Seconds{1}, kNoon, {"s1"}, std::nullopt).listings.empty());
}
TEST_F(VerificationTest, WhatIsMissingComesBackWithALaterResponseAlone) {
    const Instant asked = kNoon + Seconds{60};
    EXPECT_EQ(store().mark_missing({{"e1", kNoon - Seconds{1}}, {"e9", asked}}).size(), 0u)
        << "it was read after that";
    EXPECT_EQ(store().mark_missing({{"e1", asked}}), (std::vector<std::string>{"e1"}));
    EXPECT_EQ(store().mark_missing({{"e1", asked + Seconds{1}}}).size(), 0u) << "it is marked already";
    const std::string missing = "SELECT id FROM engagements WHERE missing_since IS NOT NULL";
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_facts"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM leg_facts"), "1");
    commit({listed(engagement("e1"), asked - Seconds{1})});
    commit({detailed(engagement("e1"), asked - Seconds{1})});
    EXPECT_EQ(sql(missing), "e1") << "older responses";
    commit({listed(engagement("e1"), asked + Seconds{1})});
    EXPECT_EQ(sql(missing), "");
    commit({detailed(engagement("e1"), asked + Seconds{2})});
    EXPECT_EQ(compared({whole("e1", asked + Seconds{3})}), "");
    EXPECT_EQ(sql("SELECT count(*) FROM engagement_facts"), "2");
}
TEST_F(VerificationTest, ManyAtOnceComeBackInAPageThatIsOtherwiseUnchanged) {
    std::vector<FetchedEngagement> page, details;
    for (int i = 0; i < 20; ++i) {
        page.push_back(listed(engagement("p" + std::to_string(i)), kNoon + Seconds{1}));
        details.push_back(detailed(engagement("p" + std::to_string(i)), kNoon + Seconds{2}));
    }
    commit(page);
    commit(details);
    store().mark_missing({{"p3", kNoon + Seconds{60}}, {"p7", kNoon + Seconds{60}}});
    for (FetchedEngagement& item : page) item.fetched_at = kNoon + Seconds{120};
    commit(page);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements WHERE missing_since IS NOT NULL"), "0");
}
TEST_F(VerificationTest, PrunesAllButTheNewestOfEachSiteAndDayHoweverLongAgoTheyWereFound) {
    VerifiedDay day{kNoon - Seconds{86400}, kNoon, kNoon - Seconds{60}, {{"s1", {}}, {"s2", {}}}};
    for (int i = 0; i < 3; ++i) store().record(day);
    day.day = kNoon - Seconds{86400};
    day.sites = {{"s1", {}}};
    store().record(day);
    sql("UPDATE verifications SET verified_at = now() - interval '10 years' "
        "WHERE id < (SELECT min(id) + 5 FROM verifications)");
    store().prune(Seconds{86400});
    EXPECT_EQ(sql("SELECT string_agg(site_id, ' ' ORDER BY id) FROM verifications"), "s1 s2 s1");
    // Rows to delete are also found after more rows to keep than one scan reads.
    sql("DELETE FROM verifications");
    sql("INSERT INTO verifications (range_from, range_to, site_id, day, listed, stored, missing, different, "
        "gone, "
        "repaired, legs_read, verified_at) SELECT now(), now(), 's1', date '2000-01-01' + n / 2, 0, 0, 0, 0, "
        "0, 0, 0, "
        "now() - interval '1 year' FROM generate_series(2, 9001) n");
    for (int i = 0; i < 6; ++i) store().prune(Seconds{86400});
    EXPECT_EQ(sql("SELECT count(*) FROM verifications WHERE day < date '2020-01-01'"), "4500");
}
TEST_F(VerificationTest, StatusShowsThroughWhenASiteIsVerified) {
    sink->site_leases().acquire({"s1"}, "me", Seconds{60}, true);
    VerifiedDay day{kNoon - Seconds{86400}, kNoon, kNoon - Seconds{80000}, {{"s1", {9, 9, 0, 0, 0, 0, 1}}}};
    store().record(day);
    day.day = kNoon - Seconds{60};
    day.sites = {{"s1", {9, 9, 0, 1, 0, 0, 1}}};
    store().record(day);
    SiteStatus site = sink->reports().status().sites.at(0);
    EXPECT_EQ(site.verified_through, at("2024-01-01T00:00:00Z"));
    day.sites = {{"s1", {9, 9, 0, 1, 0, 1, 1}}};
    store().record(day);
    store().mark_missing({{"e1", kNoon + Seconds{60}}});
    site = sink->reports().status().sites.at(0);
    EXPECT_EQ(site.verified_through, kNoon);
    EXPECT_EQ(site.missing, 1);
    EXPECT_EQ(sql("SELECT verified_through FROM freshness"), "2024-01-01 12:00:00+00");
}

TEST_F(VerificationTest, ThePageShowsTheNewestDayThatWasComparedInOrderOrNot) {
    sink->site_leases().acquire({"s1"}, "me", Seconds{60}, true);
    EXPECT_TRUE(sink->reports().history(1).newest_verifications.empty());
    VerifiedDay day{kNoon - Seconds{86400}, kNoon, kNoon, {{"s1", {9, 8, 3, 2, 1, 1, 0}}}};
    store().record(day);
    day.day = kNoon - Seconds{86400};  // an older day, compared later
    day.sites = {{"s1", {5, 5, 0, 0, 0, 0, 0}}};
    store().record(day);
    const auto newest = sink->reports().history(1).newest_verifications;
    ASSERT_EQ(newest.size(), 1U);
    const NewestVerification& found = newest.at("s1");
    EXPECT_EQ(Instant{std::chrono::days{found.day}}, at("2024-01-01T00:00:00Z"));
    EXPECT_EQ(found.listed, 9);
    EXPECT_EQ(found.stored, 8);
    EXPECT_EQ(found.open_differences(), 5);
    EXPECT_TRUE(found.verified_at);
}

}  // namespace
}  // namespace glia
