// Sinks that write files; sqlite/ keeps the state of every destination. Each test runs with the program's
// JSON lines and with a CSV writer that only the tests have.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "sinks/content_hash.hpp"
#include "tests/integration/destinations.hpp"
#include "tests/integration/model_tables.hpp"

namespace glia {
namespace {

/// The valid row of each engagement: the one with the latest fetched_at, the last of these if there are
/// several.
std::map<std::string, std::string> latest_rows(const Folder& folder) {
    std::map<std::string, std::string> latest;
    for (const std::string& row : folder.rows()) {
        std::string& valid = latest[folder.destination.id_of(row)];
        if (valid.empty() || folder.destination.fetched_at_of(valid) <= folder.destination.fetched_at_of(row))
            valid = row;
    }
    return latest;
}

/// The state and the written rows as text, in the form of tables() of the model. The text also shows how the
/// valid row of an engagement differs from the model, unless a newer row waits for the legs (`owed`).
std::string tables(const Folder& folder, const simulation::ModelDatabase& model) {
    sqlite::Connection state(folder.state(), false);
    const std::map<std::string, std::string> rows = latest_rows(folder);
    std::string text;
    const auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    const auto number = [](const OptionalInstant& at) {
        return at ? std::to_string(at->time_since_epoch().count()) : "NULL";
    };
    const auto bytes = [](const OptionalText& hash) { return hash ? "\\x" + *hash : "NULL"; };
    for (const auto& row :
         state.run("SELECT id, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at, "
                   "site_ids, owed FROM engagements ORDER BY id")) {
        const std::string id = *row.text(0);
        const auto& known = model.rows.at(id);
        std::string sites;
        auto names = sqlite::texts(*row.text(6));
        std::sort(names.begin(), names.end());
        for (const std::string& site : names) sites += (sites.empty() ? "" : ",") + site;
        std::string legs;
        for (const Leg& leg : known.legs)
            legs += (legs.empty() ? "" : ",") + leg.id.str() + ":" + std::to_string(*leg.duration);
        const bool waits_for_legs = row.integer(7) != 0;
        if (!waits_for_legs)
            legs += folder.destination.difference(rows.at(id), known, row.instant(5).has_value());
        const std::string duration = std::to_string(*known.core.duration);
        add(id + "|" + duration + "|" + bytes(row.text(1)) + "|" + bytes(row.text(2)) + "|" +
            bytes(row.text(3)) + "|" + number(row.instant(4)) + "|" + number(row.instant(5)) + "|" +
            (sites.empty() ? "NULL" : sites) + "|" + (legs.empty() ? "NULL" : legs));
    }
    for (const auto& row : state.run("SELECT engagement_id, wanted_after, attempts, parked, claimed_by FROM "
                                     "detail_queue ORDER BY 1")) {
        add(*row.text(0) + "|" + number(row.instant(1)) + "|" + std::to_string(row.integer(2)) + "|" +
            (row.integer(3) != 0 ? "t" : "f") + "|" + row.text(4).value_or("NULL"));
    }
    for (const auto& row : state.run("SELECT engagement_id FROM ongoing_engagements ORDER BY 1"))
        add(*row.text(0));
    for (const auto& row :
         state.run("SELECT CASE stream WHEN 'engagements' THEN '' ELSE stream || '/' END || site_id, "
                   "synced_through, pass_from, pass_next_page, lease_epoch, lease_owner, "
                   "(SELECT count(*) FROM revisit_state r WHERE r.site_id = s.site_id AND r.stream = "
                   "s.stream) FROM sync_state s "
                   "ORDER BY 1")) {
        add(*row.text(0) + "|" + number(row.instant(1)) + "|" + number(row.instant(2)) + "|" +
            row.text(3).value_or("NULL") + "|" + std::to_string(row.integer(4)) + "|" +
            row.text(5).value_or("NULL") + "|" + std::to_string(row.integer(6)));
    }
    return text;
}

class FilesAndSeeds : public ::testing::TestWithParam<std::tuple<Destination, unsigned>> {};

TEST_P(FilesAndSeeds, AnswerAndEndAsTheModelDoes) {
    const auto& [destination, seed] = GetParam();
    const Folder folder(destination);
    simulation::ModelDatabase model;
    auto sink = folder.sink();
    register_sites(*sink, model);
    Twins twins(*sink, model, seed);
    for (int i = 0; i < 150 && !HasFailure(); ++i) twins.step();
    EXPECT_EQ(tables(folder, model), tables(model));
}
INSTANTIATE_TEST_SUITE_P(Seeds, FilesAndSeeds,
                         ::testing::Combine(::testing::Values(kNdjson, kCsv), ::testing::Range(1U, 13U)));

class Files : public ::testing::TestWithParam<Destination> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Files, ::testing::Values(kNdjson, kCsv));

Batch batch_of(std::vector<FetchedEngagement> engagements) {
    Batch batch;
    batch.engagements = std::move(engagements);
    return batch;
}
/// A detail whose legs are null, absent or of another type.
FetchedEngagement detailed_without_legs(Engagement e, Instant when) {
    return {std::move(e), RecordSource::detail, when, "", {}};
}

TEST(Ndjson, WritesALineForWhatIsNewOrChangedAndNoneForTheRest) {
    const Folder folder(kNdjson);
    {
        const auto sink = folder.sink(1 << 20);
        sink->commit(batch_of({listed(engagement("e1")), listed(engagement("e2"))}), std::nullopt);
        sink->commit(batch_of({listed(engagement("e1"), kNoon + Seconds{1})}), std::nullopt);
        sink->commit(batch_of({detailed(engagement("e1"), kNoon + Seconds{2})}), std::nullopt);
        EXPECT_TRUE(folder.files().at(0).ends_with(".ndjson.part"));
    }
    ASSERT_EQ(folder.files().size(), 1u);
    EXPECT_TRUE(folder.files().at(0).ends_with("-000001.ndjson")) << "complete, it has its name";
    const std::string all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 3);
    EXPECT_TRUE(all.starts_with(R"({"id":"e1","fetched_at":"2024-01-01T12:00:00Z","content_hash":")")) << all;
    EXPECT_NE(all.find(R"("operators":[{"id":"o1","href":"https://x/operators/o1"}])"), std::string::npos)
        << all;
    EXPECT_NE(all.find(R"("extra":{"a":[1,2.50]},"legs":[{"id":"l1")"), std::string::npos) << all;
}
TEST_P(Files, AChangeIsShownOnceItsLegsHaveCome) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch_of({detailed(engagement("e1"))}), std::nullopt);
    Engagement changed = engagement("e1");
    changed.duration = 77;
    EXPECT_EQ(sink->commit(batch_of({listed(changed, kNoon + Seconds{1})}), std::nullopt).queued, 1);
    std::string all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1)
        << "a line without legs would remove them for its readers";
    sink->commit(batch_of({detailed(changed, kNoon + Seconds{2})}), std::nullopt);
    all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
    EXPECT_NE(all.find("77"), std::string::npos);
}
TEST_P(Files, AChangeIsShownThoughItsDetailHasNoLegs) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
    sink->commit(batch_of({detailed_without_legs(engagement("e1"), kNoon + Seconds{1})}), std::nullopt);
    EXPECT_EQ(folder.rows().size(), 1u) << "nothing has changed";
    Engagement changed = engagement("e1");
    changed.duration = 77;
    EXPECT_EQ(sink->commit(batch_of({listed(changed, kNoon + Seconds{2})}), std::nullopt).queued, 1);
    EXPECT_EQ(folder.rows().size(), 1u) << "the detail may have legs";
    sink->commit(batch_of({detailed_without_legs(changed, kNoon + Seconds{3})}), std::nullopt);
    ASSERT_EQ(folder.rows().size(), 2u);
    EXPECT_NE(folder.rows().back().find("77"), std::string::npos);
    sink->commit(batch_of({detailed_without_legs(changed, kNoon + Seconds{4})}), std::nullopt);
    sink->commit(batch_of({listed(changed, kNoon + Seconds{5})}), std::nullopt);
    EXPECT_EQ(folder.rows().size(), 2u) << "it has been written";
    // The first detail of an engagement may bring the change itself.
    sink->commit(batch_of({listed(engagement("e2"))}), std::nullopt);
    Engagement other = engagement("e2");
    other.duration = 78;
    sink->commit(batch_of({detailed_without_legs(other, kNoon + Seconds{1})}), std::nullopt);
    ASSERT_EQ(folder.rows().size(), 4u);
    EXPECT_NE(folder.rows().back().find("78"), std::string::npos);
}
TEST_P(Files, LegsThatADetailLackedAreWrittenAgainOnceOneHasThem) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
    sink->commit(batch_of({detailed(engagement("e1"), kNoon + Seconds{1})}), std::nullopt);
    sink->commit(batch_of({detailed_without_legs(engagement("e1"), kNoon + Seconds{2})}), std::nullopt);
    EXPECT_EQ(folder.rows().size(), 2u) << "missing legs alone are no change";
    Engagement changed = engagement("e1");
    changed.duration = 77;
    sink->commit(batch_of({listed(changed, kNoon + Seconds{3})}), std::nullopt);
    sink->commit(batch_of({detailed_without_legs(changed, kNoon + Seconds{4})}), std::nullopt);
    ASSERT_EQ(folder.rows().size(), 3u);
    EXPECT_NE(folder.rows().back().find("77"), std::string::npos);
    EXPECT_EQ(folder.rows().back().find("l1"), std::string::npos);
    sink->commit(batch_of({detailed(changed, kNoon + Seconds{5})}), std::nullopt);
    ASSERT_EQ(folder.rows().size(), 4u) << "the last row has no legs";
    EXPECT_NE(folder.rows().back().find("l1"), std::string::npos);
    sink->commit(batch_of({detailed(changed, kNoon + Seconds{6})}), std::nullopt);
    EXPECT_EQ(folder.rows().size(), 4u);
}
TEST_P(Files, LegsOfAnOlderResponseAreInTheRowThatReadersUse) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    Engagement changed = engagement("e1");
    changed.duration = 77;
    sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
    sink->commit(batch_of({listed(changed, kNoon + Seconds{2})}), std::nullopt);
    // This detail was requested before the list item above, and arrives after it.
    sink->commit(batch_of({detailed(changed, kNoon + Seconds{1})}), std::nullopt);
    EXPECT_EQ(folder.rows().size(), 3u);
    EXPECT_EQ(latest_rows(folder).at("e1"), folder.rows().back());
}
TEST_P(Files, FilesRotateWhenTheyAreLargeEnough) {
    const Folder folder(GetParam());
    {
        const auto sink = folder.sink(60);
        for (int i = 0; i < 5; ++i)
            sink->commit(batch_of({listed(engagement("e" + std::to_string(i)))}), std::nullopt);
    }
    EXPECT_EQ(folder.files().size(), 5u);
}
TEST_P(Files, ACommitThatFailsLeavesNothingBehind) {
    const Folder folder(GetParam());
    PassCheckpoint lost;
    lost.target = SiteTarget{"s1", 7};
    {
        const auto sink = folder.sink(1 << 20);
        EXPECT_THROW(sink->commit(batch_of({listed(engagement("e8"))}), lost), SinkError);
        sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
        EXPECT_THROW(sink->commit(batch_of({listed(engagement("e9"))}), lost), SinkError);
        const Batch good = batch_of({listed(engagement("e2"))}), bad = batch_of({listed(engagement("e7"))});
        EXPECT_THROW(sink->commit_together({{&good, nullptr}, {&bad, &lost}}), SinkError);
        sink->commit(batch_of({listed(engagement("e3"))}), std::nullopt);
    }
    std::vector<std::string> ids;
    for (const std::string& row : folder.rows()) ids.push_back(folder.destination.id_of(row));
    EXPECT_EQ(ids, (std::vector<std::string>{"e1", "e3"}));
    EXPECT_EQ(folder.files().size(), 1u);
}
TEST(Ndjson, ASinkWithAnotherPathCompletesTheFileOfTheOneBefore) {
    const Folder folder(kNdjson);
    const auto first = folder.sink(1 << 20);
    first->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
    EXPECT_TRUE(folder.files().at(0).ends_with(".part"));
    const auto second = ndjson::open(
        {folder.path + "/out-again.ndjson", 1 << 20, std::chrono::hours{1}, folder.path + "/state"});
    second->commit(batch_of({listed(engagement("e2"))}), std::nullopt);
    const auto files = folder.files();
    ASSERT_EQ(files.size(), 2u);
    EXPECT_TRUE(files[0].ends_with("000001.ndjson")) << files[0];
    EXPECT_TRUE(files[1].starts_with("out-again-") && files[1].ends_with("000002.ndjson.part")) << files[1];
}
TEST_P(Files, WhatACrashLeftBehindTheStateIsCutOff) {
    const Folder folder(GetParam());
    {
        const auto sink = folder.sink(1 << 20);
        sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
        const std::string part = folder.path + "/" + folder.files().at(0);
        // As after a kill: lines that the state does not include, the last of them cut off.
        std::filesystem::copy(part, folder.path + "/saved");
        std::filesystem::copy(folder.path + "/state", folder.path + "/saved-state");
        std::filesystem::copy(folder.path + "/state-wal", folder.path + "/saved-state-wal");
        std::ofstream(folder.path + "/saved", std::ios::app) << R"({"id":"e9","fetched_at")";
    }
    for (const std::string& name : folder.files()) std::filesystem::remove(folder.path + "/" + name);
    std::filesystem::rename(folder.path + "/saved-state", folder.path + "/state");
    std::filesystem::rename(folder.path + "/saved-state-wal", folder.path + "/state-wal");
    sqlite::Connection state(folder.path + "/state", false);
    const std::string name = *state.run("SELECT name FROM output").at(0).text(0);
    std::filesystem::rename(folder.path + "/saved", folder.path + "/" + name + ".part");
    folder.sink(1 << 20)->commit(batch_of({listed(engagement("e2"))}), std::nullopt);
    const std::string all = folder.content();
    EXPECT_EQ(all.find("e9"), std::string::npos);
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
}
TEST_P(Files, ASinkOfAnotherProgramMustWait) {
    const Folder folder(GetParam());
    const auto sink = folder.sink();
    sink->migrate();
    EXPECT_EQ(folder.sink()->work_queue().due(WorkKind::detail), 0)
        << "sinks of one process share the state file";
    const int lock = ::open((folder.path + "/state.lock").c_str(), O_RDWR);
    EXPECT_NE(flock(lock, LOCK_EX | LOCK_NB), 0) << "another process cannot lock the state file";
    close(lock);
    EXPECT_EQ(sink->reports().status().schema_version, 4);
}
TEST_P(Files, AFailedPassLeavesARowAndTheSameAgainLeavesNone) {
    const Folder folder(GetParam());
    const auto sink = folder.sink();
    for (const char* error : {"HTTP 500", "HTTP 500", "HTTP 503"}) {
        const std::int64_t epoch = sink->site_leases().acquire({"s1"}, "me", Seconds{60}, true).lease->epoch;
        SiteRelease release{std::chrono::milliseconds{0}, error};
        release.failed = FailedPass{"revisit", {kNoon, {}, {}, {}, 3, 0}, 7, 0};
        for (int calls = 0; calls < 2; ++calls) sink->site_leases().release({"s1", epoch}, release);
    }
    const auto runs = sink->reports().history(10).runs;
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_EQ(runs[0].error, "HTTP 503");
    EXPECT_EQ(runs[1].error, "HTTP 500");
    EXPECT_EQ(runs[1].mode, "revisit");
    EXPECT_EQ(runs[1].pages, 3);
}
TEST_P(Files, WhatTheApiSendsBeyondItsDocumentationIsCounted) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    const auto members = [&] {
        sqlite::Connection state(folder.state(), false);
        std::string text;
        for (const auto& row : state.run(
                 "SELECT path, kind, coalesce(example, '-'), coalesce(example_of, '-'), times_seen FROM "
                 "undocumented_members ORDER BY path")) {
            for (int i = 0; i < 4; ++i) text += *row.text(i) + "|";
            text += std::to_string(row.integer(4)) + "\n";
        }
        return text;
    };
    const auto with_extra = [](const std::string& id, const char* extra) {
        Engagement e = engagement(id);
        e.extra = extra;
        return e;
    };
    Engagement two = with_extra("e2", R"({"mood":"calm","visitor_name":7})");
    Leg odd;
    odd.id = "l1";
    odd.duration = 1;
    odd.extra = R"({"sentiment":-3})";
    two.legs = RecordList<Leg>{odd};
    Engagement dropped = engagement("e3");
    dropped.extra.reset();
    UndocumentedOfRecord found;
    found.engagement["secret"].times = 1;
    dropped.undocumented_members = std::make_shared<UndocumentedOfRecord>(found);
    const Batch batch =
        batch_of({listed(with_extra("e1", R"({"mood":"angry"})")), detailed(two), listed(dropped)});
    const std::string expected =
        "legs[].sentiment|unknown|-3|e2|1\n"
        "mood|unknown|\"angry\"|e1|2\n"
        "secret|unknown|-|-|1\n"
        "visitor_name|type|7|e2|1\n";
    for (int again = 0; again < 2; ++again) {
        sink->commit(batch, std::nullopt);
        EXPECT_EQ(members(), expected);
    }
    const auto status = sink->reports().status().undocumented_members;
    ASSERT_EQ(status.size(), 4u);
    EXPECT_TRUE(status[0].is_new);
    // An example is erased with its engagement, and when privacy no longer keeps it.
    sink->erasures().forget({"e1", {}, {}});
    sink->erasures().erase_examples({false, {"visitor_name", "visitor_id"}});
    EXPECT_EQ(members(),
              "legs[].sentiment|unknown|-3|e2|1\n"
              "mood|unknown|-|-|2\n"
              "secret|unknown|-|-|1\n"
              "visitor_name|type|-|-|1\n");
    sink->erasures().erase_examples({true, {}});
    EXPECT_TRUE(members().starts_with("legs[].sentiment|unknown|-|-|1"));
}
TEST_P(Files, NobodyWaitsForAWindowWhoseLeaseRanOutLongAgo) {
    const Folder folder(GetParam());
    expect_old_leases_of_windows_are_free(*folder.sink());
}
TEST_P(Files, TimesOfAClockThatWasAheadDoNotLast) {
    const Folder folder(GetParam());
    folder.sink()->site_leases().acquire({"s1"}, "me", Seconds{60}, true);
    sqlite::Connection state(folder.state(), true);
    state.transact([&] {
        state.run(
            "INSERT INTO revisit_state (site_id, back_seconds, last_started_at) "
            "VALUES ('s1', 1, now() + 31536000000000), ('s1', 2, now() - 60000000)");
        state.run(
            "INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at) "
            "VALUES ('ahead', 0, 0, now() + 31536000000000), ('retry', 0, 0, now() + 80000000000)");
        state.run(
            "INSERT INTO ongoing_engagements (engagement_id, created_at, next_fetch_at) "
            "VALUES ('ahead', 0, now() + 31536000000000), ('later', 0, now() + 3600000000)");
    });
    folder.sink()->site_leases().acquire({"s1"}, "me", Seconds{60}, true);  // opens the state file
    std::string later;
    state.transact([&] {
        for (const auto& row :
             state.run("SELECT 'work ' || engagement_id FROM detail_queue WHERE next_attempt_at > now() "
                       "UNION ALL SELECT 'ongoing ' || engagement_id FROM ongoing_engagements "
                       "WHERE next_fetch_at > now() "
                       "UNION ALL SELECT 'revisit ' || back_seconds FROM revisit_state "
                       "WHERE last_started_at > now() ORDER BY 1"))
            later += *row.text(0) + "|";
    });
    EXPECT_EQ(later, "ongoing later|work retry|");
}
TEST_P(Files, TheOffsetOfTheClockIsThatOfTheCurrentBoot) {
    const Folder folder(GetParam());
    const auto sink = folder.sink();
    sink->instances().save_server_clock("boot1", std::chrono::hours{1});
    sink->instances().save_server_clock("boot2", std::chrono::seconds{2});
    const auto clocks = sink->reports().status().clocks;
    ASSERT_EQ(clocks.size(), 1u);
    EXPECT_EQ(clocks[0].machine, "boot2");
    EXPECT_EQ(sink->instances().server_clock("boot2"), std::chrono::seconds{2});
}
TEST_P(Files, WhatIsForgottenIsNotWrittenAgain) {
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    FetchedEngagement ann = listed(engagement("e1"));
    ann.engagement.visitor_id = "ann";
    sink->commit(batch_of({ann}), std::nullopt);
    sink->erasures().forget({{}, "ann", {}});
    EXPECT_EQ(erase_ordered(*sink).engagements, 1);
    ann.engagement.flagged = true;
    EXPECT_EQ(sink->commit(batch_of({ann}), std::nullopt).forgotten, 1);
    const std::string all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}
TEST_P(Files, TombstonesOfAnotherDatabaseEraseWhatTheStateKnows) {
    const auto of = [](const std::string& id, const std::string& visitor) {
        FetchedEngagement fetched = listed(engagement(id));
        fetched.engagement.visitor_id = visitor;
        return fetched;
    };
    Batch batch = batch_of({of("e1", "ann"), of("e2", "bob"), of("e3", "bob")});
    for (const char* payload : {R"({"visitor_id":"ann")", R"({"href":"/visitors/ann"})", R"({"x":"joann"})"})
        batch.rejected.push_back({{std::nullopt, payload, "bad"}, RecordSource::list, "s1"});
    batch.rejected.push_back({{"e2", "{}", "bad"}, RecordSource::detail, ""});
    const Folder folder(GetParam());
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch, std::nullopt);
    const std::vector<Tombstone> tombstones{{Tombstone::Kind::engagement, bytes_hash("e2"), {}},
                                            {Tombstone::Kind::visitor, bytes_hash("ann"), {}}};
    EXPECT_EQ(sink->erasures().add_tombstones(tombstones), 2);
    const Erased erased = erase_ordered(*sink);
    EXPECT_EQ(erased.engagements, 2);
    EXPECT_EQ(erased.rejected, 3);
    EXPECT_EQ(sink->rejects().find({}).size(), 1u);
    batch.rejected.clear();
    EXPECT_EQ(sink->commit(batch, std::nullopt).forgotten, 2);
    EXPECT_EQ(sink->erasures().add_tombstones(tombstones), 0);
    EXPECT_FALSE(erase_ordered(*sink).any());
    std::vector<Tombstone> all = sink->erasures().tombstones(std::nullopt, 2);
    ASSERT_EQ(all.size(), 2u);
    all.push_back(sink->erasures().tombstones(all.back(), 2).at(0));  // e1 has its own by now
    EXPECT_TRUE(sink->erasures().tombstones(all.back(), 2).empty());
    const Folder other(GetParam());
    EXPECT_EQ(other.sink()->erasures().add_tombstones(all), 3);
    EXPECT_EQ(other.sink()->commit(batch, std::nullopt).forgotten, 2);
}
TEST(Ndjson, AnOperatorWithAnImportedTombstoneIsNotWrittenAsMissing) {
    const Folder folder(kNdjson);
    const auto sink = folder.sink(1 << 20);
    const auto list = [&](const char* site, Instant when) {
        DirectoryListing listing;
        listing.fetched_at = when;
        for (const char* id : {"o1", "o2"}) listing.records.operators.emplace_back().id = id;
        const SiteKey key{site, Stream::operators};
        return sink->directory().commit_listing(
            sink->site_leases().acquire(key, "me", Seconds{60}, true).lease.value().target(), listing);
    };
    for (const char* site : {"s1", "s2"}) EXPECT_EQ(list(site, kNoon).inserted, 2);
    EXPECT_EQ(sink->erasures().add_tombstones({{Tombstone::Kind::listed_operator, bytes_hash("o1"), {}}}), 1);
    EXPECT_EQ(erase_ordered(*sink).operators, 2) << "of both sites";
    for (const char* site : {"s1", "s2"})
        EXPECT_EQ(list(site, kNoon + Seconds{1}), (DirectoryCounts{0, 0, 1, 0, 0}));
    EXPECT_EQ(folder.rows().size(), 4u) << folder.content();
}

}  // namespace
}  // namespace glia
