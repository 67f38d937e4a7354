// Which differences count, what is asked for again, and what is repaired (DESIGN.md §1, verify; §3.9).
#include "daemon/sync/verification.hpp"

#include <gtest/gtest.h>

#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/unlisted.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using Finding = RecordComparison::Finding;

Instant at(const char* text) {
    return *parse_timestamp(text);
}

FetchedEngagement record_of(const std::string& id, std::string site = "s1", std::int64_t duration = 1) {
    FetchedEngagement record;
    record.engagement.id = id;
    record.engagement.created_at = at("2024-01-01T12:00:00Z");
    record.engagement.duration = duration;
    record.engagement.legs = std::vector<Leg>{};
    record.source = RecordSource::detail;
    record.site_id = std::move(site);
    return record;
}

SourceObservation observation(std::int64_t duration, std::string version, bool newer = false) {
    const FetchedEngagement record = record_of("e", "s1", duration);
    SourceObservation result;
    result.content.core.digest[0] = static_cast<std::uint8_t>(duration);
    result.comparison = {0, Finding::different, newer, std::move(version)};
    return result;
}

TEST(Verdict, NobodyElseWritesSoOneObservationIsEnough) {
    EXPECT_EQ(judge(std::nullopt, observation(1, "v1"), 1, false), Verdict::difference);
}
TEST(Verdict, ARowThatIsNewerThanTheResponseIsReadAgain) {
    EXPECT_EQ(judge(std::nullopt, observation(1, "v1", true), 1, false), Verdict::recheck);
    EXPECT_EQ(judge(observation(1, "v1", true), observation(1, "v1", true), 2, false), Verdict::difference)
        << "the date comes from a wrong clock: the row did not change";
}
TEST(Verdict, UnderAServiceSourceAndTableHaveToShowTheSameTwice) {
    EXPECT_EQ(judge(std::nullopt, observation(1, "v1"), 1, true), Verdict::recheck);
    EXPECT_EQ(judge(observation(1, "v1"), observation(1, "v1"), 2, true), Verdict::difference);
    EXPECT_EQ(judge(observation(1, "v1"), observation(2, "v1"), 2, true), Verdict::recheck)
        << "the source has changed";
    EXPECT_EQ(judge(observation(1, "v1"), observation(1, "v2"), 2, true), Verdict::recheck)
        << "the row was written";
    EXPECT_EQ(judge(observation(1, "v1"), observation(1, "v2"), 6, true), Verdict::no_difference)
        << "the row changes between all readings";
}
TEST(Verdict, WaitsAsLongAsTheServiceTakes) {
    SiteStatus site;
    const Instant now = at("2024-01-01T12:00:00Z");
    EXPECT_EQ(recheck_delay(nullptr, Seconds{60}, now), Milliseconds{0});
    EXPECT_EQ(recheck_delay(&site, Seconds{60}, now), Milliseconds{0}) << "no instance has ever read it";
    site.last_success_at = now - Seconds{600};
    EXPECT_EQ(recheck_delay(&site, Seconds{60}, now), Milliseconds{0});
    site.last_success_at = now - Seconds{70};
    EXPECT_EQ(recheck_delay(&site, Seconds{60}, now), Seconds{92});
    site.last_success_at.reset();
    site.lease_owner = "somebody";
    EXPECT_EQ(recheck_delay(&site, Seconds{3600}, now), Seconds{600}) << "the wait has a limit";
}
TEST(Verdict, ALargeShareIsNotPlausiblyGone) {
    EXPECT_TRUE(is_plausibly_gone(5, 5));
    EXPECT_FALSE(is_plausibly_gone(6, 6));
    EXPECT_TRUE(is_plausibly_gone(200, 1000));
    EXPECT_FALSE(is_plausibly_gone(201, 1000));
}
TEST(Verdict, SamplesTheShareThatWasAskedFor) {
    int sampled = 0, both = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::string id = "e" + std::to_string(i);
        sampled += is_sampled(id, "a", 0.05);
        both += is_sampled(id, "a", 0.05) && is_sampled(id, "b", 0.05);
        EXPECT_TRUE(is_sampled(id, "a", 1));
        EXPECT_FALSE(is_sampled(id, "a", 0));
    }
    EXPECT_NEAR(sampled, 500, 100);
    EXPECT_LT(both, 60) << "another run samples other engagements";
}

/// Performs the machine's steps against the given listing and tables.
class VerificationRun : public ::testing::Test {
  protected:
    VerificationRun() {
        spec.from = at("2024-01-01T00:00:00Z");
        spec.to = at("2024-01-02T00:00:00Z");
        spec.sites = {"s1"};
        spec.legs_share = 0;
    }

    void run() {
        machine.emplace(spec);
        for (;;) {
            Verification::Step step = machine->next(now);
            if (std::holds_alternative<Verification::End>(step)) return;
            if (const auto* wait = std::get_if<Verification::Wait>(&step)) {
                ASSERT_TRUE(wait->until) << "it waits for ever";
                now = *wait->until;
                continue;
            }
            std::visit([this](auto& what) { run_step(what); }, step);
        }
    }

    std::vector<RecordComparison> compare(const Batch& batch) {
        std::vector<RecordComparison> found;
        for (std::size_t i = 0; i < batch.engagements.size(); ++i) {
            const std::string id = batch.engagements[i].engagement.id.str();
            if (tables.count(id) > 0) found.push_back({i, tables[id], false, "v"});
        }
        return found;
    }

    void run_step(const Verification::List& list) {
        if (!listing_error.empty()) {
            machine->on_list_failed(list.day, list.site, {ExitReason::unavailable, listing_error});
            return;
        }
        Batch batch;
        for (const std::string& id : listed) {
            batch.engagements.push_back(record_of(id, list.site));
            if (!lists_legs) batch.engagements.back().engagement.legs.reset();
        }
        machine->on_page(list.day, list.site, batch, compare(batch));
        machine->on_listed(list.day, list.site);
    }
    void run_step(const Verification::Scan& scan) {
        std::vector<StoredListing> listings;
        for (const std::string& id : stored) listings.push_back({id, scan.sites});
        machine->on_stored(scan.day, listings);
        machine->on_scanned(scan.day);
    }
    void run_step(const Verification::Get& get) {
        gets.push_back(get.what.first);
        if (before_get) before_get();
        if (at_source.count(get.what.first) > 0) {
            machine->on_record(get.what, record_of(get.what.first));
        } else {
            machine->on_gone(get.what, at("2024-01-03T00:00:00Z"));
        }
    }
    void run_step(const Verification::Compare& what) {
        batches.push_back(*what.batch);
        machine->on_compared(*what.batch, compare(*what.batch), now);
    }
    void run_step(const Verification::Load& load) {
        batches.push_back(*load.batch);
        for (const FetchedEngagement& record : load.batch->engagements) {
            loaded.push_back(record.engagement.id.str());
            if (!keeps_tables) tables.erase(loaded.back());
        }
        machine->on_loaded(*load.batch, {});
    }
    void run_step(const Verification::Mark& mark) {
        for (const GoneEngagement& gone : mark.engagements) marked.push_back(gone.engagement_id);
        machine->on_marked(mark.day, marked);
    }
    void run_step(const Verification::Record& record) {
        days.push_back(record.day);
        machine->on_recorded();
    }
    template <typename Other>
    void run_step(const Other&) {
        FAIL() << "neither Wait nor End is performed";
    }

    std::string differences() const {
        std::string text;
        for (const Difference& difference : machine->differences())
            text += std::string(text.empty() ? "" : " ") + difference.engagement_id + ":" +
                    name_of(difference.kind) + (difference.repaired ? "!" : "");
        return text;
    }
    const DayCounts& counts() const { return days.at(0).sites.at(0).counts; }

    VerificationSpec spec;
    std::optional<Verification> machine;
    Milliseconds now{0};
    // The source, and how the tables differ from it.
    std::vector<std::string> listed{"a", "b", "c", "d", "e", "f"}, stored{"a", "b", "c", "d", "e", "f"};
    std::set<std::string> at_source{"a", "b", "c", "d", "e", "f"};
    std::map<std::string, Finding> tables;
    std::string listing_error;
    std::function<void()> before_get;
    std::vector<std::string> gets, loaded, marked;
    std::vector<VerifiedDay> days;
    std::vector<Batch> batches;  ///< compared by their ids, or loaded
    bool keeps_tables = false;
    bool lists_legs = false;
};

TEST_F(VerificationRun, AsksForNothingWhereAllIsRight) {
    run();
    EXPECT_EQ(differences(), "");
    EXPECT_TRUE(gets.empty());
    EXPECT_EQ(counts(), (DayCounts{6, 6, 0, 0, 0, 0, 0}));
}
TEST_F(VerificationRun, FindsWhatIsMissingAndDifferent) {
    tables = {{"b", Finding::missing}, {"d", Finding::different}};
    stored = {"a", "c", "d", "e", "f"};
    run();
    EXPECT_EQ(differences(), "b:missing d:different");
    EXPECT_EQ(counts(), (DayCounts{6, 5, 1, 1, 0, 0, 2}));
    EXPECT_TRUE(loaded.empty());
}
TEST_F(VerificationRun, RepairsWhatItFinds) {
    spec.repair = true;
    tables = {{"b", Finding::missing}, {"d", Finding::different}};
    stored = {"a", "c", "d", "e", "f", "g"};
    run();
    EXPECT_EQ(differences(), "b:missing! d:different! g:gone!");
    EXPECT_EQ(loaded, (std::vector<std::string>{"b", "d"}));
    EXPECT_EQ(marked, (std::vector<std::string>{"g"}));
    EXPECT_EQ(counts(), (DayCounts{6, 6, 1, 1, 1, 3, 2}));
}
TEST_F(VerificationRun, NoStepHasTwoRecordsOfAnEngagementThatTwoSitesList) {
    spec.repair = true;
    spec.sites = {"s1", "s2"};
    tables = {{"b", Finding::missing}, {"d", Finding::different}};
    keeps_tables = true;  // loading for one site leaves the difference of the other
    run();
    EXPECT_EQ(machine->differences().size(), 4u);
    EXPECT_EQ(loaded.size(), 4u);
    for (const Batch& batch : batches) {
        std::set<std::string> ids;
        for (const FetchedEngagement& record : batch.engagements)
            EXPECT_TRUE(ids.insert(record.engagement.id.str()).second) << record.engagement.id.str();
    }
}
TEST_F(VerificationRun, WhatTheListingLeavesOutButTheSourceHasIsNotGone) {
    listed = {"a", "b", "c", "d", "e"};
    run();
    EXPECT_EQ(differences(), "");
    EXPECT_EQ(gets, (std::vector<std::string>{"f"}));
    EXPECT_EQ(counts().listed, 6) << "the source has it";
}
TEST_F(VerificationRun, LegsThatTheListingShowsAreNotAskedForAgain) {
    spec.legs_share = 1;
    lists_legs = true;
    run();
    EXPECT_TRUE(gets.empty());
    EXPECT_EQ(counts(), (DayCounts{6, 6, 0, 0, 0, 0, 6}));
}
TEST_F(VerificationRun, WhatWasListedIsNotGoneEvenIfGetDoesNotKnowIt) {
    spec.legs_share = 1;
    at_source.erase("c");
    run();
    EXPECT_EQ(differences(), "");
    EXPECT_EQ(gets.size(), 6u);
    EXPECT_EQ(counts().legs_read, 5);
}
TEST_F(VerificationRun, CallsNothingGoneWhereTheListingFailed) {
    spec.repair = true;
    stored.emplace_back("g");
    listing_error = "HTTP 503";
    run();
    EXPECT_EQ(differences(), "");
    EXPECT_EQ(machine->outcome().reason, ExitReason::unavailable);
    EXPECT_TRUE(days.empty()) << "the day is not verified";
}
TEST_F(VerificationRun, MarksNothingIfMoreIsGoneThanIsPlausible) {
    spec.repair = true;
    listed = {};
    at_source = {};
    run();
    EXPECT_TRUE(marked.empty());
    EXPECT_EQ(machine->implausible().size(), 1u);
    EXPECT_EQ(counts(), (DayCounts{0, 6, 0, 0, 6, 0, 0}));
}
TEST_F(VerificationRun, WhatTheServiceStoresMeanwhileIsNoDifference) {
    spec.recheck_delays["s1"] = Seconds{90};
    tables = {{"b", Finding::missing}, {"d", Finding::different}};
    before_get = [&] {
        if (gets.size() == 3) tables.erase("b");
    };
    run();
    EXPECT_EQ(differences(), "d:different");
    EXPECT_EQ(now, Seconds{90});
    EXPECT_EQ(gets.size(), 4u);
}
TEST_F(VerificationRun, AMissingNameOfAQueueIsSearchedWhereItWasRead) {
    machine.emplace(spec);
    spec.to = at("2024-01-03T00:00:00Z");
    machine.emplace(spec);
    machine->on_name_sources({{"c", at("2024-01-01T12:00:00Z")}});
    std::size_t steps = 0;
    for (Verification::Step step = machine->next(now); !std::holds_alternative<Verification::End>(step);
         step = machine->next(now)) {
        ASSERT_LT(++steps, 100u);
        std::visit([this](auto& what) { run_step(what); }, step);
    }
    EXPECT_EQ(gets, (std::vector<std::string>{"c"}));
}

class UnlistedTest : public ::testing::Test {
  protected:
    Unlisted compare(int stored, int listed) {
        auto ids = std::make_shared<ListedIds>();
        for (int i = 0; i < listed; ++i) ids->add("e" + std::to_string(i));
        Unlisted unlisted({at("2024-01-01T00:00:00Z"), at("2024-01-02T00:00:00Z"), ids}, memory, now);
        int next = 0;
        while (const auto range = unlisted.next_range()) {
            StoredIds page;
            for (; next < stored && static_cast<std::int64_t>(page.ids.size()) < range->limit; ++next)
                page.ids.push_back("e" + std::to_string(next));
            page.is_last = static_cast<std::int64_t>(page.ids.size()) < range->limit;
            unlisted.on_stored(page);
        }
        return unlisted;
    }
    PresenceMemory memory;
    Milliseconds now{0};
};

TEST_F(UnlistedTest, AsksForWhatIsStoredAndNotListed) {
    EXPECT_TRUE(compare(100, 100).ids_to_request().empty());
    EXPECT_EQ(compare(100, 98).ids_to_request(), (std::vector<std::string>{"e98", "e99"}));
}
TEST_F(UnlistedTest, AsksForNothingIfTheListingLeavesOutMuch) {
    const Unlisted unlisted = compare(100, 70);
    EXPECT_FALSE(unlisted.is_plausible());
    EXPECT_TRUE(unlisted.ids_to_request().empty());
    EXPECT_GE(unlisted.unlisted(), 18);
}
TEST_F(UnlistedTest, ReadsNoMoreThanTellsThatTheListingLeavesOutMuch) {
    const Unlisted unlisted = compare(100'000, 1'000);
    EXPECT_FALSE(unlisted.is_plausible());
    EXPECT_LT(unlisted.stored(), 1'300);
    EXPECT_EQ(compare(25'000, 25'000).stored(), 25'000);
}
TEST_F(UnlistedTest, NeedsASearchOnlyIfTheSiteHadListedSomethingBefore) {
    CommitCounts counts;
    counts.inserted = 9;
    EXPECT_FALSE(may_lack_stored(counts));
    counts.changed = counts.unchanged = counts.stale = 1;
    counts.newly_listed = 3;
    EXPECT_FALSE(may_lack_stored(counts)) << "only another site had listed them";
    counts.newly_listed = 2;
    EXPECT_TRUE(may_lack_stored(counts));
    EXPECT_TRUE(may_lack_stored({})) << "all that it had listed may be gone";
}
TEST_F(UnlistedTest, ComparesManyListingsOfASiteAtOnceAndBoundsWhatWaits) {
    ListingBatches waiting;
    auto ids = std::make_shared<ListedIds>();
    for (std::size_t i = 0; i < ListingBatches::kMostIds / 100; ++i) ids->add("e" + std::to_string(i));
    for (int i = 0; i < 65; ++i) EXPECT_TRUE(waiting.add(i < 64 ? "s1" : "s2", {{}, {}, ids}));
    const auto batch = waiting.next(false);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->site, "s1");
    EXPECT_EQ(batch->listings.size(), 64u);
    EXPECT_FALSE(waiting.next(false));
    EXPECT_EQ(waiting.next(true)->site, "s2");
    EXPECT_FALSE(waiting.next(true));
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(waiting.add("s1", {{}, {}, ids}));
    EXPECT_FALSE(waiting.add("s1", {{}, {}, ids}));
}
TEST_F(UnlistedTest, AsksForSomeAtATime) {
    EXPECT_EQ(compare(10'000, 9'000).ids_to_request().size(), Unlisted::kMostAsked);
}
TEST_F(UnlistedTest, RemembersLongerEachTimeThatTheSourceHasItAtMostADay) {
    for (const int hours : {1, 2, 4, 8, 16, 24, 24}) {
        memory.note_present("e99", now);
        now += std::chrono::hours{hours} - Milliseconds{1};
        EXPECT_TRUE(compare(100, 99).ids_to_request().empty()) << hours;
        now += Milliseconds{1};
        EXPECT_EQ(compare(100, 99).ids_to_request().size(), 1u) << hours;
    }
}
TEST_F(UnlistedTest, WarnsOnceADay) {
    EXPECT_TRUE(memory.should_warn("s1", now));
    EXPECT_FALSE(memory.should_warn("s1", now + std::chrono::hours{23}));
    EXPECT_TRUE(memory.should_warn("s2", now));
    EXPECT_TRUE(memory.should_warn("s1", now + std::chrono::hours{24}));
}

/// What a pass over these pages has listed; the first page is asked for by `link` if it is set.
std::shared_ptr<ListedIds> listed_by(const std::vector<std::vector<std::string>>& pages,
                                     OptionalText link = {}) {
    OpenPass open;
    open.from = at("2024-01-01T00:00:00Z");
    if (link) {
        open.next_page = link;
        open.started_at = open.from;
    }
    PassPipeline pass(Pass(WindowTarget{1, "s1", open.from, 1}, open), "s1", SyncSettings{});
    pass.collect_ids();
    std::size_t next = 0;
    for (;;) {
        const PassPipeline::Step step = pass.next();
        if (std::holds_alternative<PassPipeline::End>(step)) return pass.result().listed;
        if (std::holds_alternative<PassPipeline::Commit>(step)) pass.on_committed({});
        if (!std::holds_alternative<PassPipeline::Fetch>(step)) continue;
        if (next == pages.size()) {
            pass.on_error({ApiError::Kind::unavailable, 503, "down"});
            continue;
        }
        FetchedPage page;
        for (const std::string& id : pages[next]) {
            Engagement& engagement = page.page.engagements.emplace_back();
            engagement.id = id;
            engagement.created_at = open.from;
        }
        if (++next < pages.size() || pages.back().empty())
            page.page.next_page = "https://x/" + std::to_string(next);
        pass.on_page(std::move(page));
    }
}

TEST(ListedByAPass, IsWhatAllItsPagesShow) {
    const auto listed = listed_by({{"a", "b"}, {"c"}});
    ASSERT_TRUE(listed);
    EXPECT_TRUE(listed->contains("a") && listed->contains("c"));
    EXPECT_FALSE(listed->contains("d"));
}
TEST(ListedByAPass, IsNotKnownIfItWasResumed) {
    EXPECT_FALSE(listed_by({{"a", "b"}, {"c"}}, "https://x/0"));
}
TEST(ListedByAPass, IsNotKnownIfAPageFailed) {
    EXPECT_FALSE(listed_by({{"a", "b"}, {}}));
}

}  // namespace
}  // namespace glia
