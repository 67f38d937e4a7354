// One contract for every sink: the same calls to it and to the model that the simulation runs on give the
// same answers and end in the same tables.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sinks/content_hash.hpp"
#include "sinks/ndjson/ndjson_sink.hpp"
#include "sinks/ndjson/state.hpp"
#include "tests/integration/twins.hpp"

namespace glia {
namespace {

std::string hex(const std::optional<RecordHash>& hash) {
    return hash ? to_bytea(*hash) : "NULL";
}
std::string time(const OptionalInstant& at) {
    return at ? std::to_string(at->time_since_epoch().count()) : "NULL";
}

/// The model's tables, in the form of the queries below.
std::string tables(const simulation::ModelDatabase& model) {
    std::string text;
    const auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    for (const auto& [id, row] : model.rows) {
        std::string sites, legs;
        for (const auto& site : row.sites) sites += (sites.empty() ? "" : ",") + site;
        for (const Leg& leg : row.legs)
            legs += (legs.empty() ? "" : ",") + leg.id.str() + ":" + std::to_string(*leg.duration);
        add(id + "|" + std::to_string(*row.core.duration) + "|" + hex(row.state.core_hash) + "|" +
            hex(row.state.list_hash) + "|" + hex(row.state.legs_hash) + "|" + time(row.state.fetched_at) +
            "|" + time(row.state.legs_fetched_at) + "|" + (sites.empty() ? "NULL" : sites) + "|" +
            (legs.empty() ? "NULL" : legs));
    }
    for (const auto& [id, queued] : model.details) {
        add(id + "|" + time(queued.wanted_after) + "|" + std::to_string(queued.attempts) + "|" +
            (queued.parked ? "t" : "f") + "|" + (queued.claimed_by.empty() ? "NULL" : queued.claimed_by));
    }
    for (const auto& [id, next] : model.ongoing) add(id);
    for (const auto& [id, site] : model.sites) {
        add(id + "|" + time(site.synced_through) + "|" +
            time(site.open_pass ? site.open_pass->from : OptionalInstant{}) + "|" +
            (site.open_pass ? site.open_pass->next_page.value_or("NULL") : "NULL") + "|" +
            std::to_string(site.lease_epoch) + "|" + (site.lease_owner.empty() ? "NULL" : site.lease_owner) +
            "|" + std::to_string(site.tiers.size()));
    }
    return text;
}

std::string tables(const Database& database) {
    const auto micros = [](const std::string& column) {
        return "(extract(epoch FROM " + column + ") * 1000000)::bigint";
    };
    std::string text;
    for (const std::string& query :
         {"SELECT id, duration, core_hash, list_hash, legs_hash, " + micros("fetched_at") + ", " +
              micros("legs_fetched_at") +
              ", (SELECT string_agg(site_id, ',' ORDER BY site_id) FROM engagement_sites s WHERE "
              "s.engagement_id = e.id)"
              ", (SELECT string_agg(l.id || ':' || l.duration, ',' ORDER BY position) FROM legs l WHERE "
              "l.engagement_id"
              " = e.id) FROM engagements e ORDER BY id",
          "SELECT engagement_id, " + micros("wanted_after") +
              ", attempts, parked, claimed_by FROM detail_queue ORDER BY 1",
          std::string("SELECT engagement_id FROM ongoing_engagements ORDER BY 1"),
          "SELECT site_id, " + micros("synced_through") + ", " + micros("pass_from") +
              ", pass_next_page, lease_epoch, lease_owner, (SELECT count(*) FROM revisit_state r WHERE "
              "r.site_id ="
              " s.site_id) FROM sync_state s ORDER BY 1"}) {
        const std::string rows = database.sql("SET search_path = glia; " + query);
        if (!rows.empty()) text += (text.empty() ? "" : "\n") + rows;
    }
    return text;
}

/// Both begin with the sites known.
void know_sites(Sink& sink, simulation::ModelDatabase& model) {
    for (const char* site : {"s0", "s1"}) {
        sink.acquire_site(site, "nobody", Seconds{0}, true);
        model.acquire_site(site, "nobody", Seconds{0}, true);
        sink.release_site(site, 1, {});
        model.release_site(site, 1, {});
    }
}

class TheModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(TheModel, AnswersAndEndsAsPostgresqlDoes) {
    Database database;
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    simulation::ModelDatabase model;
    know_sites(*sink, model);
    Twins twins(*sink, model, GetParam());
    for (int i = 0; i < 150 && !HasFailure(); ++i) twins.step();
    EXPECT_EQ(tables(model), tables(database));
}
INSTANTIATE_TEST_SUITE_P(Seeds, TheModel, ::testing::Range(1U, 13U));

/// The state and the lines, in the form of the model's tables; `owed`: engagements whose line waits for their
/// legs.
std::string tables(const std::string& folder, const simulation::ModelDatabase& model, int& owed) {
    ndjson::State state(folder + "/out.ndjson.state", false);
    std::map<std::string, std::string> lines;  // the last of each engagement
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path());
    for (const auto& file : files) {
        if (!file.filename().string().starts_with("out-")) continue;
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) lines[line.substr(7, 2)] = line;
    }
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
        auto names = ndjson::texts(*row.text(6));
        std::sort(names.begin(), names.end());
        for (const std::string& site : names) sites += (sites.empty() ? "" : ",") + site;
        // What the last line shows, if none is owed.
        std::string duration = std::to_string(*known.core.duration), legs;
        for (const Leg& leg : known.legs)
            legs += (legs.empty() ? "" : ",") + leg.id.str() + ":" + std::to_string(*leg.duration);
        const std::string& line = lines.at(id);
        if (row.integer(7) != 0) {
            ++owed;
        } else {
            const auto shows = [&](const std::string& part) {
                return line.find(part) == std::string::npos ? "not as shown: " + line : std::string();
            };
            duration += shows("\"duration\":" + duration + ",\"visitor_name\"");
            if (!row.instant(5)) legs += shows("\"legs\":null");
            for (const Leg& leg : known.legs)
                legs += shows("{\"id\":\"" + leg.id.str() + "\",\"operator\":null,\"site\":null");
        }
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
         state.run("SELECT site_id, synced_through, pass_from, pass_next_page, lease_epoch, lease_owner, "
                   "(SELECT count(*) FROM revisit_state r WHERE r.site_id = s.site_id) FROM sync_state s "
                   "ORDER BY 1")) {
        add(*row.text(0) + "|" + number(row.instant(1)) + "|" + number(row.instant(2)) + "|" +
            row.text(3).value_or("NULL") + "|" + std::to_string(row.integer(4)) + "|" +
            row.text(5).value_or("NULL") + "|" + std::to_string(row.integer(6)));
    }
    return text;
}

class Folder {
  public:
    Folder() {
        std::string name = "/tmp/glia-ndjson-XXXXXX";
        path = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path;
    std::unique_ptr<Sink> sink(std::int64_t rotate_bytes = 1000) const {
        return ndjson::open(
            {{path + "/out.ndjson", rotate_bytes, std::chrono::hours{1}}, path + "/out.ndjson.state"});
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            const std::string name = entry.path().filename().string();
            if (name.starts_with("out-")) names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    std::string content() const {
        std::string all;
        for (const std::string& name : files()) {
            std::ifstream in(path + "/" + name);
            all += std::string{std::istreambuf_iterator<char>(in), {}};
        }
        return all;
    }
};

class TheNdjsonSink : public ::testing::TestWithParam<unsigned> {};

TEST_P(TheNdjsonSink, AnswersAndEndsAsTheModelDoes) {
    const Folder folder;
    simulation::ModelDatabase model;
    auto sink = folder.sink();
    know_sites(*sink, model);
    Twins twins(*sink, model, GetParam());
    for (int i = 0; i < 150 && !HasFailure(); ++i) twins.step();
    int owed = 0;
    EXPECT_EQ(tables(folder.path, model, owed), tables(model));
}
INSTANTIATE_TEST_SUITE_P(Seeds, TheNdjsonSink, ::testing::Range(1U, 13U));

Batch batch_of(std::vector<FetchedEngagement> engagements) {
    Batch batch;
    batch.engagements = std::move(engagements);
    return batch;
}

TEST(Ndjson, WritesALineForWhatIsNewOrChangedAndNoneForTheRest) {
    const Folder folder;
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
TEST(Ndjson, AChangeIsShownOnceItsLegsHaveCome) {
    const Folder folder;
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch_of({detailed(engagement("e1"))}), std::nullopt);
    Engagement changed = engagement("e1");
    changed.flagged = true;
    EXPECT_EQ(sink->commit(batch_of({listed(changed, kNoon + Seconds{1})}), std::nullopt).queued, 1);
    std::string all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1) << "a line without legs would take them away";
    sink->commit(batch_of({detailed(changed, kNoon + Seconds{2})}), std::nullopt);
    all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
    EXPECT_NE(all.rfind("\"flagged\":true"), std::string::npos);
}
TEST(Ndjson, FilesBeginAnewWhenTheyAreLargeEnough) {
    const Folder folder;
    {
        const auto sink = folder.sink(500);
        for (int i = 0; i < 5; ++i)
            sink->commit(batch_of({listed(engagement("e" + std::to_string(i)))}), std::nullopt);
    }
    EXPECT_EQ(folder.files().size(), 5u);
}
TEST(Ndjson, WhatACrashLeftBehindTheStateIsCutOff) {
    const Folder folder;
    {
        const auto sink = folder.sink(1 << 20);
        sink->commit(batch_of({listed(engagement("e1"))}), std::nullopt);
        const std::string part = folder.path + "/" + folder.files().at(0);
        // As a kill leaves it: lines that the state knows nothing of, the last of them broken off.
        std::filesystem::copy(part, folder.path + "/saved");
        std::filesystem::copy(folder.path + "/out.ndjson.state", folder.path + "/saved-state");
        std::filesystem::copy(folder.path + "/out.ndjson.state-wal", folder.path + "/saved-state-wal");
        std::ofstream(folder.path + "/saved", std::ios::app) << R"({"id":"e9","fetched_at")";
    }
    for (const std::string& name : folder.files()) std::filesystem::remove(folder.path + "/" + name);
    std::filesystem::rename(folder.path + "/saved-state", folder.path + "/out.ndjson.state");
    std::filesystem::rename(folder.path + "/saved-state-wal", folder.path + "/out.ndjson.state-wal");
    ndjson::State state(folder.path + "/out.ndjson.state", false);
    const std::string name = *state.run("SELECT name FROM output").at(0).text(0);
    std::filesystem::rename(folder.path + "/saved", folder.path + "/" + name + ".part");
    folder.sink(1 << 20)->commit(batch_of({listed(engagement("e2"))}), std::nullopt);
    const std::string all = folder.content();
    EXPECT_EQ(all.find("e9"), std::string::npos);
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
}
TEST(Ndjson, ASinkOfAnotherProgramMustWait) {
    const Folder folder;
    const auto sink = folder.sink();
    sink->migrate();
    EXPECT_EQ(folder.sink()->details_due(), 0) << "within one program it is shared";
    const int lock = ::open((folder.path + "/out.ndjson.state.lock").c_str(), O_RDWR);
    EXPECT_NE(flock(lock, LOCK_EX | LOCK_NB), 0) << "another program has no way in";
    close(lock);
    EXPECT_EQ(sink->status().schema_version, 1);
}
TEST(Ndjson, AFailedPassLeavesARowAndTheSameAgainLeavesNone) {
    const Folder folder;
    const auto sink = folder.sink();
    for (const char* error : {"HTTP 500", "HTTP 500", "HTTP 503"}) {
        const std::int64_t epoch = sink->acquire_site("s1", "me", Seconds{60}, true).lease->epoch;
        SiteRelease release{std::chrono::milliseconds{0}, error};
        release.failed = FailedPass{"revisit", {kNoon, {}, {}, {}, 3, 0}, 7, 0};
        for (int told = 0; told < 2; ++told) sink->release_site("s1", epoch, release);
    }
    const auto runs = sink->history(10).runs;
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_EQ(runs[0].error, "HTTP 503");
    EXPECT_EQ(runs[1].error, "HTTP 500");
    EXPECT_EQ(runs[1].mode, "revisit");
    EXPECT_EQ(runs[1].pages, 3);
}
TEST(Ndjson, WhatIsForgottenIsNotWrittenAgain) {
    const Folder folder;
    const auto sink = folder.sink(1 << 20);
    FetchedEngagement ann = listed(engagement("e1"));
    ann.engagement.visitor_id = "ann";
    sink->commit(batch_of({ann}), std::nullopt);
    sink->forget({{}, "ann", {}});
    EXPECT_EQ(erase_ordered(*sink).engagements, 1);
    ann.engagement.flagged = true;
    EXPECT_EQ(sink->commit(batch_of({ann}), std::nullopt).forgotten, 1);
    const std::string all = folder.content();
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}
TEST(Ndjson, TombstonesOfAnotherDatabaseEraseWhatTheStateKnows) {
    const auto of = [](const std::string& id, const std::string& visitor) {
        FetchedEngagement fetched = listed(engagement(id));
        fetched.engagement.visitor_id = visitor;
        return fetched;
    };
    Batch batch = batch_of({of("e1", "ann"), of("e2", "bob"), of("e3", "bob")});
    for (const char* payload : {R"({"visitor_id":"ann")", R"({"href":"/visitors/ann"})", R"({"x":"joann"})"})
        batch.rejected.push_back({{std::nullopt, payload, "bad"}, RecordSource::list, "s1"});
    batch.rejected.push_back({{"e2", "{}", "bad"}, RecordSource::detail, ""});
    const Folder folder;
    const auto sink = folder.sink(1 << 20);
    sink->commit(batch, std::nullopt);
    const std::vector<Tombstone> tombstones{{Tombstone::Kind::engagement, bytes_hash("e2"), {}},
                                            {Tombstone::Kind::visitor, bytes_hash("ann"), {}}};
    EXPECT_EQ(sink->add_tombstones(tombstones), 2);
    const Erased erased = erase_ordered(*sink);
    EXPECT_EQ(erased.engagements, 2);
    EXPECT_EQ(erased.rejected, 3);
    EXPECT_EQ(sink->rejected({}).size(), 1u);
    batch.rejected.clear();
    EXPECT_EQ(sink->commit(batch, std::nullopt).forgotten, 2);
    EXPECT_EQ(sink->add_tombstones(tombstones), 0);
    EXPECT_FALSE(erase_ordered(*sink).any());
    std::vector<Tombstone> all = sink->tombstones(std::nullopt, 2);
    ASSERT_EQ(all.size(), 2u);
    all.push_back(sink->tombstones(all.back(), 2).at(0));  // e1 has one of its own by now
    EXPECT_TRUE(sink->tombstones(all.back(), 2).empty());
    const Folder other;
    EXPECT_EQ(other.sink()->add_tombstones(all), 3);
    EXPECT_EQ(other.sink()->commit(batch, std::nullopt).forgotten, 2);
}

}  // namespace
}  // namespace glia
