// Names of operators, sites and queues on a real PostgreSQL (DESIGN.md §3): what a listing writes, and that
// it writes nothing when nothing has changed.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "sinks/time_zone_names.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

OperatorEntry person(const std::string& id, const std::string& name) {
    OperatorEntry entry;
    entry.id = id;
    entry.name = name;
    entry.enabled = true;
    entry.extra = R"({"industry_id":6})";
    return entry;
}
QueueEntry queue(const std::string& id, const std::string& name) {
    QueueEntry entry;
    entry.id = id;
    entry.name = name;
    entry.media = {{"text", "a \"b\""}};
    entry.capacity = 5;
    return entry;
}
SiteEntry site(const std::string& name) {
    SiteEntry entry;
    entry.id = "s1";
    entry.name = name;
    entry.addresses = {{"x.example.com"}};
    entry.time_zone = "Tallinn";
    entry.iana_time_zone = "Europe/Tallinn";
    return entry;
}

class Directory : public SinkTest {
  protected:
    DirectoryCounts list(DirectoryListing listing, Stream stream, const std::string& site = "s1") {
        const auto lease =
            sink->site_leases().acquire({site, stream}, "me", Seconds{60}, true).lease.value().target();
        listing.next_in = Seconds{3600};
        return sink->directory().commit_listing(lease, listing);
    }
    static DirectoryListing operators(std::vector<OperatorEntry> entries, Instant when = kNoon) {
        DirectoryListing listing;
        listing.records.operators = std::move(entries);
        listing.fetched_at = when;
        return listing;
    }
    static DirectoryListing queues(std::vector<QueueEntry> entries, Instant when = kNoon) {
        DirectoryListing listing;
        listing.records.queues = std::move(entries);
        listing.fetched_at = when;
        return listing;
    }
    static DirectoryListing sites(SiteEntry entry, Instant when = kNoon) {
        DirectoryListing listing;
        listing.records.sites = {std::move(entry)};
        listing.fetched_at = when;
        return listing;
    }
    /// Has the API refuse the site's listing. Returns the stored name, and whether it is the configured one.
    std::string refuse_site(const std::string& configured_name) {
        const auto lease =
            sink->site_leases().acquire({"s1", Stream::sites}, "me", Seconds{60}, true).lease->target();
        sink->directory().refuse_listing(lease, {"HTTP 403", Seconds{1}, Seconds{1}, site(configured_name)});
        return sql("SELECT name, fetched_at IS NULL FROM sites");
    }
    std::string row_versions() const {
        std::string all;
        for (const char* table : {"operators", "operator_sites", "sites", "queues", "name_history"})
            all += sql(std::string("SELECT string_agg(xmin::text || ctid::text || xmax::text, ',' ORDER BY "
                                   "ctid) FROM ") +
                       table) +
                   ";";
        return all;
    }
    std::string history() const {
        return sql(
            "SELECT string_agg(concat_ws(':', kind, id, name, to_char(valid_from, 'HH24:MI'), "
            "to_char(valid_to, 'HH24:MI')), ' ' ORDER BY kind, id, valid_from) FROM name_history");
    }
};

const Instant kOne = at("2024-01-01T13:00:00Z");
const Instant kTwo = at("2024-01-01T14:00:00Z");

TEST_F(Directory, WritesWhatIsNewOrChangedAndNothingElse) {
    EXPECT_EQ(list(operators({person("o1", "Ann"), person("o2", "Bob")}), Stream::operators).inserted, 2);
    EXPECT_EQ(list(sites(site("Bank")), Stream::sites).inserted, 1);
    EXPECT_EQ(list(queues({queue("q1", "Cards")}), Stream::queues).inserted, 1);
    const std::string before = row_versions();
    EXPECT_EQ(list(operators({person("o1", "Ann"), person("o2", "Bob")}, kOne), Stream::operators),
              (DirectoryCounts{0, 0, 2, 0, 0}));
    EXPECT_EQ(list(sites(site("Bank"), kOne), Stream::sites).unchanged, 1);
    EXPECT_EQ(list(queues({queue("q1", "Cards")}, kOne), Stream::queues).unchanged, 1);
    EXPECT_EQ(row_versions(), before);
    EXPECT_EQ(list(operators({person("o1", "Anna"), person("o2", "Bob")}, kTwo), Stream::operators),
              (DirectoryCounts{0, 1, 1, 0, 0}));
    EXPECT_EQ(sql("SELECT string_agg(name, ',' ORDER BY id) FROM operators"), "Anna,Bob");
    EXPECT_EQ(sql("SELECT name, addresses, time_zone, iana_time_zone FROM sites"),
              "Bank|{x.example.com}|Tallinn|Europe/Tallinn");
    EXPECT_EQ(sql("SELECT site_id, name, media[2], capacity, extra IS NULL FROM queues"),
              "s1|Cards|a \"b\"|5|t");
}

TEST_F(Directory, KeepsEveryNameWithItsTime) {
    list(operators({person("o1", "Ann")}), Stream::operators);
    list(operators({person("o1", "Anna")}, kOne), Stream::operators);
    list(operators({person("o1", "Anna")}, kTwo), Stream::operators);
    list(sites(site("Bank")), Stream::sites);
    list(queues({queue("q1", "Cards")}), Stream::queues);
    EXPECT_EQ(history(),
              "operator:o1:Ann:12:00:13:00 operator:o1:Anna:13:00 queue:q1:Cards:12:00 site:s1:Bank:12:00");
    OperatorEntry nameless = person("o1", "");
    nameless.name.reset();
    list(operators({nameless}, kTwo), Stream::operators);
    EXPECT_EQ(sql("SELECT count(*) FROM name_history WHERE kind = 'operator' AND valid_to IS NULL"), "0");
}

TEST_F(Directory, KeepsTheNamesOfQueuesThatOnlyEngagementsName) {
    const auto with_queue = [](const std::string& id, const std::string& name, Instant created_at) {
        Engagement e = engagement(id);
        e.queues = {{"q1", name}};
        e.created_at = created_at;
        return e;
    };
    commit({listed(with_queue("e1", "Cards", kNoon))});
    EXPECT_EQ(history(), "queue:q1:Cards:12:00");
    commit({listed(with_queue("e2", "Cards", kOne))});
    EXPECT_EQ(history(), "queue:q1:Cards:12:00");
    commit({listed(with_queue("e3", "Cards and loans", kTwo))});
    commit({listed(with_queue("e4", "Long ago", kNoon - Seconds{60}))});
    EXPECT_EQ(history(), "queue:q1:Cards:12:00:14:00 queue:q1:Cards and loans:14:00");
}

TEST_F(Directory, NamesThatPrivacyNoLongerKeepsAreErasedEarlierOnesToo) {
    const std::string pseudonym = "hmac:" + std::string(64, 'a');
    OperatorEntry known = person("o1", "Ann");
    known.email = "ann@example.com";
    known.phone = pseudonym;
    known.extra = R"({"industry_id":6,"phone_extension":"77"})";
    list(operators({person("o1", "Annie"), person("o2", pseudonym)}), Stream::operators);
    list(operators({known}, kOne), Stream::operators);
    list(sites(site("Bank")), Stream::sites);
    const auto stored = [&] {
        return sql("SELECT string_agg(concat_ws(',', id, name, email, phone, extra), ' ' ORDER BY id) FROM "
                   "operators") +
               "; " + sql("SELECT string_agg(name, ',' ORDER BY id, valid_from) FROM name_history");
    };
    using Stored = OperatorPrivacy::Stored;
    sink->erasures().erase_operator_data({Stored::all, Stored::all});
    EXPECT_NE(stored().find("Annie,Ann,"), std::string::npos) << stored();
    sink->erasures().erase_operator_data({Stored::pseudonyms, Stored::pseudonyms});
    EXPECT_EQ(stored(), "o1," + pseudonym + ",{\"industry_id\": 6} o2," + pseudonym +
                            ",{\"industry_id\": 6}; " + pseudonym + ",Bank");
    const std::string before = row_versions();
    sink->erasures().erase_operator_data({Stored::pseudonyms, Stored::pseudonyms});
    EXPECT_EQ(row_versions(), before);
    sink->erasures().erase_operator_data({Stored::none, Stored::none});
    EXPECT_EQ(stored(), "o1,{\"industry_id\": 6} o2,{\"industry_id\": 6}; Bank");
    list(operators({known}, kOne), Stream::operators);
    EXPECT_EQ(sql("SELECT name FROM operators WHERE id = 'o1'"), "Ann")
        << "the name is the listing's, as before";
}

TEST_F(Directory, WhoIsListedNoMoreIsMissingUntilListedAgain) {
    const auto missing = [&] {
        return sql("SELECT string_agg(id, ',' ORDER BY id) FROM operators WHERE missing_since IS NOT NULL");
    };
    list(operators({person("o1", "Ann"), person("o2", "Bob")}), Stream::operators, "s1");
    list(operators({person("o2", "Bob")}), Stream::operators, "s2");
    EXPECT_EQ(list(operators({}, kOne), Stream::operators, "s1").missing, 1);
    EXPECT_EQ(missing(), "o1");
    EXPECT_EQ(sql("SELECT string_agg(operator_id || site_id, ',') FROM operator_sites"), "o2s2");
    list(operators({}, kOne), Stream::operators, "s2");
    EXPECT_EQ(missing(), "o1,o2");
    EXPECT_EQ(list(operators({person("o1", "Ann")}, kTwo), Stream::operators, "s1").returned, 1);
    EXPECT_EQ(missing(), "o2");
}

TEST_F(Directory, AListingWithAnUnreadableRecordMakesNobodyMissing) {
    list(operators({person("o1", "Ann")}), Stream::operators);
    list(queues({queue("q1", "Cards")}), Stream::queues);
    DirectoryListing partial = operators({}, kOne), other = queues({}, kOne);
    partial.rejected = other.rejected = {{std::nullopt, "7", "bad"}};
    EXPECT_EQ(list(partial, Stream::operators).missing, 0);
    EXPECT_EQ(list(other, Stream::queues).missing, 0);
}

TEST_F(Directory, QueuesOfEngagementsAloneAreNotMissing) {
    commit({listed(engagement("e1"))});
    list(queues({queue("q2", "Loans")}), Stream::queues);
    EXPECT_EQ(list(queues({}, kOne), Stream::queues).missing, 1);
    EXPECT_EQ(sql("SELECT string_agg(id || (missing_since IS NULL), ',' ORDER BY id) FROM queues"),
              "q1true,q2false");
    EXPECT_EQ(list(queues({queue("q2", "Loans")}, kTwo), Stream::queues).returned, 1);
}

TEST_F(Directory, OfAListingAndAnEngagementTheNewerNamesAQueue) {
    commit({listed(engagement("e1"), kNoon)});
    list(queues({queue("q1", "Listed")}, kOne), Stream::queues);
    EXPECT_EQ(sql("SELECT name FROM queues"), "Listed");
    commit({listed(engagement("e2"), kTwo)});  // an old engagement, as a backfill loads it
    EXPECT_EQ(sql("SELECT name FROM queues"), "Listed");
    Engagement newer = engagement("e3");
    newer.created_at = kTwo;
    newer.queues = {{"q1", "Newest"}};
    commit({listed(newer, kTwo)});
    EXPECT_EQ(sql("SELECT name FROM queues"), "Newest");
    list(queues({queue("q1", "Listed")}, kTwo + std::chrono::hours{1}), Stream::queues);
    EXPECT_EQ(sql("SELECT name FROM queues"), "Listed");
}

TEST_F(Directory, AnOlderListingOverwritesNoNewerOne) {
    list(operators({person("o1", "New")}, kTwo), Stream::operators, "s1");
    list(operators({person("o1", "Old")}, kOne), Stream::operators, "s2");
    EXPECT_EQ(sql("SELECT name FROM operators"), "New");
    EXPECT_EQ(history(), "operator:o1:New:14:00");
}

TEST_F(Directory, ALostLeaseWritesNothing) {
    const auto lost =
        sink->site_leases().acquire({"s1", Stream::operators}, "me", Seconds{60}, true).lease->target();
    sql("UPDATE sync_state SET lease_owner = NULL");
    sink->site_leases().acquire({"s1", Stream::operators}, "other", Seconds{60}, true);
    EXPECT_THROW(sink->directory().commit_listing(lost, operators({person("o1", "Ann")})), SinkError);
    EXPECT_EQ(sql("SELECT count(*) FROM operators"), "0");
}

TEST_F(Directory, TheSameCommitAgainIsNotRefused) {
    const auto lease =
        sink->site_leases().acquire({"s1", Stream::operators}, "me", Seconds{60}, true).lease->target();
    sink->directory().commit_listing(lease, operators({person("o1", "Ann")}));
    EXPECT_EQ(sink->directory().commit_listing(lease, operators({person("o1", "Ann")})).unchanged, 1);
    EXPECT_EQ(sql("SELECT count(*) FROM sync_runs WHERE stream = 'operators' AND mode = 'listing'"), "1");
}

TEST_F(Directory, SitesThatAreRefusedAtOnceWarnOnce) {
    constexpr int kSites = 4;
    std::vector<std::unique_ptr<Sink>> sinks;
    std::vector<SiteTarget> operators, statistics;
    for (int i = 0; i < kSites; ++i) {
        const std::string site = "s" + std::to_string(i);
        sinks.push_back(open());
        for (auto [leases, stream] :
             {std::pair{&operators, Stream::operators}, {&statistics, Stream::statistics}})
            leases->push_back(
                sinks[i]->site_leases().acquire({site, stream}, "me", Seconds{60}, true).lease->target());
    }
    for (int round = 0; round < 5; ++round) {
        sql("UPDATE sync_state SET refusal_warned_at = NULL; UPDATE statistics_state SET refusal_warned_at = "
            "NULL");
        std::atomic<int> of_operators = 0, of_statistics = 0;
        std::vector<std::thread> refused;
        for (int i = 0; i < kSites; ++i) {
            refused.emplace_back([&, i] {
                Sink& own = *sinks[i];
                of_statistics += own.statistics().refuse(statistics[i], StatisticsSource::handle, "HTTP 403",
                                                         kNoon, Seconds{86400});
                const SiteTarget lease = round == 0 ? operators[i]
                                                    : own.site_leases()
                                                          .acquire({operators[i].site_id, Stream::operators},
                                                                   "me", Seconds{60}, true)
                                                          .lease->target();
                of_operators +=
                    own.directory().refuse_listing(lease, {"HTTP 403", Seconds{1}, Seconds{86400}, {}});
            });
        }
        for (std::thread& one : refused) one.join();
        EXPECT_EQ(of_operators, 1);
        EXPECT_EQ(of_statistics, 1);
    }
}

TEST_F(Directory, ARefusalIsWarnedOfOnceADay) {
    const auto refuse = [&](std::optional<SiteEntry> configured = {}) {
        const auto lease =
            sink->site_leases().acquire({"s1", Stream::sites}, "me", Seconds{60}, true).lease->target();
        return sink->directory().refuse_listing(
            lease, {"HTTP 403", Seconds{86400}, Seconds{86400}, std::move(configured)});
    };
    EXPECT_TRUE(refuse());
    EXPECT_FALSE(refuse());
    sql("UPDATE sync_state SET refusal_warned_at = now() - interval '25 hours'");
    EXPECT_TRUE(refuse());
    EXPECT_FALSE(sink->site_leases().acquire({"s1", Stream::sites}, "me", Seconds{60}, false).lease);
    EXPECT_EQ(sql("SELECT count(*), count(last_error) FROM sync_state"), "1|0");
    list(sites(site("Bank")), Stream::sites);
    EXPECT_TRUE(refuse());
}

TEST_F(Directory, TheConfigurationNamesASiteThatMayNotBeRead) {
    EXPECT_EQ(refuse_site("Ours"), "Ours|t");
    const std::string before = row_versions();
    refuse_site("Ours");
    EXPECT_EQ(row_versions(), before);
    EXPECT_EQ(refuse_site("Renamed"), "Renamed|t");
    list(sites(site("Theirs")), Stream::sites);
    EXPECT_EQ(refuse_site("Ours"), "Theirs|f");
}

TEST_F(Directory, TheApiNamesASiteThoughTheConfigurationSaidTheSame) {
    refuse_site("Bank");
    EXPECT_EQ(list(sites(site("Bank")), Stream::sites), (DirectoryCounts{0, 1, 0, 0, 0}));
    EXPECT_EQ(sql("SELECT string_agg(name, ',') FROM name_history"), "Bank");
    const std::string before = row_versions();
    EXPECT_EQ(refuse_site("Renamed"), "Bank|f");
    EXPECT_EQ(list(sites(site("Bank"), kOne), Stream::sites).unchanged, 1);
    EXPECT_EQ(row_versions(), before);
}

TEST_F(Directory, ViewsShowNamesAndLocalTimes) {
    Engagement e = engagement("e1");
    e.legs = {leg("l1"), leg("l2")};
    (*e.legs)[0].operator_id = "o1";
    (*e.legs)[0].site_id = "s1";
    (*e.legs)[1].operator_id = "o2";
    (*e.legs)[1].site_id = "s2";
    (*e.legs)[0].accepted_at = (*e.legs)[1].accepted_at = kNoon;
    commit({detailed(e)});
    list(operators({person("o1", "Ann"), person("o2", "Bob")}, kOne), Stream::operators);
    list(sites(site("Bank"), kOne), Stream::sites);
    list(queues({queue("q1", "Cards")}, kOne), Stream::queues);
    EXPECT_EQ(sql("SELECT site_id, site_name, site_count, first_operator_name, last_operator_name, "
                  "first_queue_name, last_queue_name, created_at_local FROM engagement_facts"),
              "s1|Bank|2|Ann|Bob|Cards|Cards|2024-01-01 14:00:00");
    EXPECT_EQ(sql("SELECT operator_name, site_name, queue_name, accepted_at_local FROM leg_facts WHERE "
                  "leg_id = 'l1'"),
              "Ann|Bank|Cards|2024-01-01 14:00:00");
    EXPECT_EQ(sql("SELECT DISTINCT queue_name, site_name, hour_local FROM queue_hourly"),
              "Cards|Bank|2024-01-01 14:00:00");
    EXPECT_EQ(sql("SELECT string_agg(operator_name, ',' ORDER BY operator_id) FROM operator_daily"),
              "Ann,Bob");
}

TEST_F(Directory, ATimeZoneThatPostgresDoesNotKnowIsNone) {
    SiteEntry odd = site("Bank");
    odd.iana_time_zone = "Mars/Olympus";
    list(sites(odd), Stream::sites);
    EXPECT_EQ(sql("SELECT time_zone, iana_time_zone FROM sites"), "Tallinn|NULL");
    EXPECT_EQ(list(sites(odd, kOne), Stream::sites).unchanged, 1);
    EXPECT_FALSE(sink->directory().knows_time_zone("Mars/Olympus"));
    for (const char* known : {"Europe/Tallinn", "Europe/Kyiv"})
        EXPECT_TRUE(sink->directory().knows_time_zone(known)) << known;
}

TEST_F(Directory, AForgottenOperatorIsErasedAndNotStoredAgain) {
    list(operators({person("o1", "Ann"), person("o2", "Bob")}), Stream::operators);
    ForgetOrder order;
    order.operator_id = "o1";
    sink->erasures().forget(order);
    EXPECT_EQ(erase_ordered(*sink).operators, 1);
    list(operators({person("o1", "Ann"), person("o2", "Bob")}, kOne), Stream::operators);
    EXPECT_EQ(
        sql("SELECT (SELECT string_agg(id, ',') FROM operators), (SELECT string_agg(operator_id, ',') FROM "
            "operator_sites), (SELECT string_agg(name, ',') FROM name_history), (SELECT count(*) FROM "
            "erasures)"),
        "o2|o2|Bob|0");
}

TEST_F(Directory, AnImportedTombstoneErasesAListedOperator) {
    list(operators({person("o1", "Ann")}), Stream::operators);
    sink->erasures().add_tombstones({{Tombstone::Kind::listed_operator, bytes_hash("o1"), {}}});
    list(operators({person("o1", "Ann")}, kOne), Stream::operators);
    EXPECT_EQ(sql("SELECT (SELECT count(*) FROM operators), (SELECT count(*) FROM name_history)"), "0|0");
}

TEST(TimeZoneNames, AreKnownToPostgres) {
    const ::glia::Database database;
    std::istringstream rows(database.sql("SELECT name FROM pg_timezone_names"));
    std::set<std::string> known;
    for (std::string name; std::getline(rows, name);) known.insert(name);
    ASSERT_EQ(time_zone_names().size(), 151U);
    for (const TimeZoneName& zone : time_zone_names()) {
        const auto other = other_iana_name(zone.iana);
        EXPECT_TRUE(known.contains(std::string(zone.iana)) || (other && known.contains(*other)))
            << zone.display << ": " << zone.iana;
    }
}
TEST_F(Directory, ARenamedTimeZoneGoesByTheNameThatPostgresKnows) {
    for (const auto* names : {"Europe/Kiev Europe/Kyiv", "Asia/Yangon Asia/Rangoon"}) {
        std::istringstream both(names);
        std::string given, other;
        both >> given >> other;
        SiteEntry kyiv = site(given);
        kyiv.iana_time_zone = given;
        list(sites(kyiv), Stream::sites);
        const std::string known = sql("SELECT count(*) FROM pg_timezone_names WHERE name = '" + given + "'");
        EXPECT_EQ(sql("SELECT iana_time_zone FROM sites"), known == "1" ? given : other);
    }
}

}  // namespace
}  // namespace glia
