// Listings of operators, sites and queues: parsing, privacy, detection of changes, and what is requested next
// (spec: directory-and-statistics).
#include <gtest/gtest.h>

#include "daemon/parse/directory_parser.hpp"
#include "daemon/sync/listing_schedule.hpp"
#include "sinks/directory_hash.hpp"
#include "sinks/time_zone_names.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

PrivacyLevels all_kept() {
    PrivacyLevels levels;
    levels.operator_contact = PrivacyLevel::keep;
    return levels;
}

DirectoryPage read(Stream stream, std::string body, const PrivacyLevels& levels = all_kept()) {
    const auto parsed = parse_directory(stream, body, Privacy(levels, "0123456789abcdef"));
    EXPECT_TRUE(parsed.value) << parsed.failure.reason;
    return parsed.value.value_or(DirectoryPage());
}
OperatorEntry one_operator(const std::string& body, const PrivacyLevels& levels = all_kept()) {
    return read(Stream::operators, "[" + body + "]", levels).records.operators.at(0);
}

constexpr const char* kAnn =
    R"({"id":"o1","href":"x","name":"Ann","email":"a@example.com","role":"operator","enabled":true,)"
    R"("reactive_enabled":true,"proactive_enabled":false,"observation_enabled":null,"audio_source":"phone",)"
    R"("phone":"+1","phone_extension":"7","picture":{"url":"p"},"max_engagement_count":3,"industry_id":6,)"
    R"("available":true,"available_media_types":["chat"],"engagements":[],"unavailable_since":"x"})";

TEST(DirectoryParser, ReadsAnOperatorWithoutWhatChangesByTheMinute) {
    const OperatorEntry entry = one_operator(kAnn);
    EXPECT_EQ(entry.id, "o1");
    EXPECT_EQ(entry.name, "Ann");
    EXPECT_EQ(entry.picture_url, "p");
    EXPECT_EQ(entry.enabled, true);
    EXPECT_EQ(entry.observation_enabled, std::nullopt);
    EXPECT_EQ(entry.max_engagement_count, 3);
    EXPECT_EQ(entry.extra, R"({"industry_id":6,"phone_extension":"7"})");
}

TEST(DirectoryParser, TakesTheListInItsObjectABareArrayAndTheRecordItself) {
    for (const char* body : {R"({"operators":[{"id":"o1"}],"last_page":"x"})", R"([{"id":"o1"}])",
                             R"({"id":"o1"})", R"({"operators":[{"id":"o1"}],"next_page":null})"}) {
        const DirectoryPage page = read(Stream::operators, body);
        EXPECT_EQ(page.records.size(), 1U) << body;
        EXPECT_FALSE(page.next_page) << body;
    }
    EXPECT_EQ(read(Stream::queues, R"({"queues":[],"next_page":"/queues?page=2"})").next_page,
              "/queues?page=2");
    std::string error = R"({"error":"x"})", text = "[{";
    EXPECT_EQ(parse_directory(Stream::queues, error, Privacy()).failure.kind,
              ParseFailure::Kind::wrong_shape);
    EXPECT_EQ(parse_directory(Stream::queues, text, Privacy()).failure.kind, ParseFailure::Kind::not_json);
}

TEST(DirectoryParser, OneBadRecordCostsItselfAndAMistypedMemberOnlyItself) {
    const DirectoryPage page =
        read(Stream::operators,
             R"([{"name":"x"},7,{"id":5},{"id":"o1","name":["a"],"enabled":"yes","picture":"p"}])");
    ASSERT_EQ(page.records.size(), 1U);
    ASSERT_EQ(page.rejected.size(), 3U);
    EXPECT_EQ(page.rejected[0].payload, R"({"name":"x"})");
    EXPECT_EQ(page.rejected[0].reason, "id is missing or cannot be stored");
    EXPECT_EQ(page.rejected[1].payload, "7");
    EXPECT_EQ(page.records.operators[0].extra, R"({"enabled":"yes","name":["a"],"picture":"p"})");
}

TEST(DirectoryParser, ARecordThatIsNotJsonCostsItself) {
    const std::string list =
        R"([{"id":"o1"},{"id":"o2" "name":"x","href":"/operators/o2"},{"id":"o3","name":"\t"}])";
    for (const std::string& body : {list, R"({"operators":)" + list + R"(,"next_page":"/2"})"}) {
        const DirectoryPage page = read(Stream::operators, body);
        ASSERT_EQ(page.records.size(), 2U) << body;
        EXPECT_EQ(page.records.operators[1].name, "\t");
        ASSERT_EQ(page.rejected.size(), 1U);
        EXPECT_EQ(page.rejected[0].payload, R"({"id":"o2" "name":"x","href":"/operators/o2"})");
        EXPECT_EQ(page.rejected[0].reason, "the record is malformed");
        EXPECT_EQ(page.next_page.has_value(), body.front() == '{');
    }
    // A list that is cut off must not appear shorter than it is.
    for (std::string body : {list.substr(0, list.size() - 1), R"({"operators":)" + list, list + "x",
                             R"({"operators":)" + list + R"(,"next_page":7})"}) {
        EXPECT_FALSE(parse_directory(Stream::operators, body, Privacy()).value) << body;
    }
}

TEST(DirectoryParser, ARejectedRecordHoldsNoNul) {
    const std::string body = R"([{"id":"a"},{"id":"b" "name":"x)" + std::string(1, '\0') + R"(y"}])";
    for (const Stream stream : kDirectoryStreams) {
        const DirectoryPage page = read(stream, body);
        EXPECT_EQ(page.records.size(), 1U);
        ASSERT_EQ(page.rejected.size(), 1U) << name_of(stream);
        EXPECT_EQ(page.rejected[0].payload, R"({"id":"b" "name":"x�y"})");
    }
}

TEST(DirectoryParser, OfTwoRecordsWithOneIdTheLastCounts) {
    const auto page = read(Stream::queues, R"([{"id":"q","name":"a"},{"id":"q","name":"b"}])");
    ASSERT_EQ(page.records.size(), 1U);
    EXPECT_EQ(page.records.queues[0].name, "b");
}

TEST(DirectoryParser, ReadsSitesAndQueues) {
    const SiteEntry site =
        read(
            Stream::sites,
            R"~({"id":"s","hostnames":["h"],"time_zone":"Eastern Time (US & Canada)","reactive_call_timeout":30})~")
            .records.sites.at(0);
    EXPECT_EQ(site.addresses, std::vector<std::string>{"h"});
    EXPECT_EQ(site.iana_time_zone, "America/New_York");
    EXPECT_EQ(site.reactive_call_timeout, 30);
    const QueueEntry queue =
        read(Stream::queues, R"([{"id":"q","created_at":"2019-08-21T18:28:55.705086Z","visitors_count":3,)"
                             R"("average_wait_time":9,"routing_policy":{"media":["text"],"team_ids":null}}])")
            .records.queues.at(0);
    EXPECT_EQ(queue.media, std::vector<std::string>{"text"});
    EXPECT_EQ(queue.created_at, parse_timestamp("2019-08-21T18:28:55.705086Z"));
    EXPECT_EQ(queue.extra, R"({"routing_policy":{"media":["text"],"team_ids":null}})");
}

TEST(DirectoryPrivacy, ContactIsDroppedByDefaultAndNamesAreKept) {
    const OperatorEntry entry = one_operator(kAnn, PrivacyLevels());
    EXPECT_EQ(entry.name, "Ann");
    EXPECT_FALSE(entry.email || entry.phone || entry.picture_url);
    EXPECT_EQ(entry.extra, R"({"industry_id":6})");
    EXPECT_TRUE(PrivacyLevels().keep_all());
}

TEST(DirectoryPrivacy, ARejectedOperatorIsKeptAsPrivacyHasIt) {
    const std::string body =
        R"([{"name":"Ann","email":"a@example.com","href":"https://x/operators/o1","role":"coach"},"Ann"])";
    const auto kept = read(Stream::operators, body).rejected;
    EXPECT_EQ(kept.at(0).operator_id, "o1");
    EXPECT_EQ(kept.at(1).payload, R"("Ann")");
    PrivacyLevels levels;
    EXPECT_EQ(read(Stream::operators, body, levels).rejected.at(0).payload,
              R"({"href":"https://x/operators/o1","name":"Ann","role":"coach"})");
    levels.operator_name = PrivacyLevel::drop;
    const auto dropped = read(Stream::operators, body, levels).rejected;
    EXPECT_EQ(dropped.at(0).payload, R"({"href":"https://x/operators/o1","role":"coach"})");
    EXPECT_EQ(dropped.at(1).payload, "null");
    EXPECT_EQ(read(Stream::queues, R"([{"name":"Cards"}])", levels).rejected.at(0).payload,
              R"({"name":"Cards"})");
}

TEST(DirectoryPrivacy, DropLeavesNothingOfThePersonAlsoWhereItIsOfAnotherType) {
    PrivacyLevels levels;
    levels.operator_name = levels.extra = PrivacyLevel::drop;
    const OperatorEntry entry = one_operator(
        R"({"id":"o1","name":{"first":"Ann"},"email":["a@example.com"],"sip_extension":"7","role":"operator"})",
        levels);
    OperatorEntry expected;
    expected.id = "o1";
    expected.role = "operator";
    EXPECT_EQ(entry, expected);
}

TEST(DirectoryPrivacy, HashKeepsEqualNamesEqual) {
    PrivacyLevels levels;
    levels.operator_name = levels.operator_contact = PrivacyLevel::hash;
    const OperatorEntry entry = one_operator(kAnn, levels);
    EXPECT_TRUE(entry.name->starts_with("hmac:"));
    EXPECT_TRUE(entry.email->starts_with("hmac:"));
    EXPECT_EQ(entry, one_operator(kAnn, levels));
}

TEST(DirectoryPrivacy, AppliesToOperatorsInChats) {
    PrivacyLevels levels;
    levels.operator_name = PrivacyLevel::drop;
    ChatMessage message;
    message.sender_type = "operator";
    message.sender_name = "Ann";
    Privacy(levels, "").apply(message);
    EXPECT_FALSE(message.sender_name);
}

TEST(DirectoryHash, CoversWhatIsStoredAndNothingElse) {
    const auto hash = [](const std::string& body) { return directory_hash(one_operator(body)); };
    const RecordHash base = hash(R"({"id":"o1","name":"Ann","available":true,"engagements":[]})");
    EXPECT_EQ(base,
              hash(R"({"engagements":[{"id":"e"}],"name":"Ann","id":"o1","available":false,"email":null})"));
    EXPECT_NE(base, hash(R"({"id":"o1","name":"Anna"})"));
    EXPECT_NE(base, hash(R"({"id":"o1","name":"Ann","max_engagement_count":1})"));
    EXPECT_NE(base, hash(R"({"id":"o1","name":"Ann","new_member":1})"));
    SiteEntry site;
    site.addresses = {{"a", "b"}};
    SiteEntry other = site;
    EXPECT_EQ(directory_hash(site), directory_hash(other));
    other.addresses = {{"b", "a"}};
    EXPECT_NE(directory_hash(site), directory_hash(other));
    other = site;
    other.iana_time_zone = "Europe/Tallinn";
    EXPECT_NE(directory_hash(site), directory_hash(other));
}

TEST(TimeZoneNames, AreFoundByDisplayNameOrTakenAsTheyAre) {
    EXPECT_EQ(iana_time_zone("Kathmandu"), "Asia/Kathmandu");
    EXPECT_EQ(iana_time_zone("International Date Line West"), "Pacific/Midway");
    EXPECT_EQ(iana_time_zone("America/Argentina/Buenos_Aires"), "America/Argentina/Buenos_Aires");
    for (const char* unknown : {"", "Nowhere", "a'/b", "/etc/passwd", "x/"})
        EXPECT_FALSE(iana_time_zone(unknown));
}

DirectoryPage page_of(const std::string& id, OptionalText next = {}) {
    DirectoryPage page;
    page.records.operators.resize(1);
    page.records.operators[0].id = id;
    page.next_page = std::move(next);
    return page;
}

ListingRead reading(Stream stream = Stream::operators, int failures = 0,
                    const DirectorySettings& settings = {}) {
    SiteLease lease;
    lease.site_id = "s1";
    lease.epoch = 7;
    lease.stream = stream;
    lease.failures = failures;
    return {lease, settings};
}
DirectoryListing committed(const ListingRead& read) {
    const auto* commit = std::get_if<ListingRead::Commit>(&read.next());
    EXPECT_TRUE(commit);
    return commit ? *commit->listing : DirectoryListing();
}
SiteRelease released(const ListingRead& read) {
    const auto* release = std::get_if<ListingRead::Release>(&read.next());
    EXPECT_TRUE(release);
    return release ? release->release : SiteRelease();
}

TEST(ListingRead, FollowsLinksToTheLastPage) {
    ListingRead read = reading();
    EXPECT_TRUE(std::holds_alternative<ListingRead::FetchFirst>(read.next()));
    read.on_page(page_of("o1", "/2"), 2, Instant{Seconds{10}});
    EXPECT_EQ(std::get<ListingRead::Follow>(read.next()).link, "/2");
    read.on_page(page_of("o2"), 1, Instant{Seconds{20}});
    const DirectoryListing listing = committed(read);
    EXPECT_EQ(listing.records.size(), 2U);
    EXPECT_EQ(listing.fetched_at, Instant{Seconds{10}});
    EXPECT_EQ(listing.requests, 3);
    EXPECT_TRUE(listing.every_record_known());
    EXPECT_EQ(listing.next_in, Seconds{6 * 3600});
    EXPECT_EQ(read.result().outcome.reason, ExitReason::done);
    EXPECT_EQ(read.result().wait, Seconds{6 * 3600});
}

TEST(ListingRead, ALinkThatRepeatsItselfEndsItWithAnError) {
    ListingRead read = reading();
    read.on_page(page_of("o1", "/2"), 1, Instant{Seconds{10}});
    read.on_page(page_of("o1", "/2"), 1, {});
    const SiteRelease release = released(read);
    EXPECT_EQ(release.error, "next_page repeats itself: the listing cannot be read to its end");
    ASSERT_TRUE(release.failed);
    EXPECT_EQ(release.failed->pass.from, Instant{Seconds{10}});
    EXPECT_EQ(release.failed->pass.pages, 2);
    EXPECT_EQ(read.result().outcome.reason, ExitReason::unavailable);
}

TEST(ListingRead, ARejectedRecordMakesTheListingIncomplete) {
    ListingRead read = reading();
    DirectoryPage page = page_of("o1");
    page.rejected = {{std::nullopt, "{}", "id is missing"}, {std::nullopt, "7", "other"}};
    read.on_page(std::move(page), 1, {});
    const DirectoryListing listing = committed(read);
    EXPECT_FALSE(listing.every_record_known());
    EXPECT_EQ(listing.rejected.size(), 2U);
    EXPECT_EQ(read.result().rejected, 2);
}

TEST(ListingRead, DistinguishesARefusalFromAFailure) {
    for (const int status : {403, 404, 410, 422}) {
        ListingRead read = reading();
        read.on_error({ApiError::Kind::refused, status, "no"}, {});
        ASSERT_TRUE(std::holds_alternative<ListingRead::Refuse>(read.next())) << status;
        EXPECT_EQ(std::get<ListingRead::Refuse>(read.next()).refusal.error, "no");
        EXPECT_EQ(read.result().outcome.reason, ExitReason::done);
        EXPECT_EQ(read.result().wait, kRefusalPause);
    }
    for (const int status : {0, 401, 400, 500}) {
        ListingRead read = reading(Stream::operators, 2);
        read.on_error({ApiError::Kind::unavailable, status, "no"}, Instant{Seconds{5}});
        const SiteRelease release = released(read);
        EXPECT_EQ(release.error, "no") << status;
        EXPECT_EQ(release.next_poll_in, Seconds{240}) << "the third failure in a row";
        EXPECT_EQ(release.failed->mode, "listing");
        EXPECT_EQ(release.failed->pass.from, Instant{Seconds{5}});
        EXPECT_EQ(release.failed->requests, 1);
        EXPECT_EQ(read.result().outcome.reason, ExitReason::unavailable);
        EXPECT_EQ(read.result().wait, Seconds{240});
    }
}

TEST(ListingRead, ALinkThatIsNoLongerKnownIsNoRefusalOfTheListing) {
    ListingRead read = reading();
    read.on_page(page_of("o1", "/2"), 1, Instant{Seconds{10}});
    read.on_error({ApiError::Kind::not_found, 404, "cursor_not_found"}, Instant{Seconds{20}});
    const SiteRelease release = released(read);
    EXPECT_EQ(release.error, "a link to a further page is not accepted: cursor_not_found");
    EXPECT_EQ(release.next_poll_in, Seconds{60});
    EXPECT_EQ(release.failed->pass.from, Instant{Seconds{10}});
    EXPECT_EQ(release.failed->requests, 2);
    EXPECT_EQ(read.result().outcome.reason, ExitReason::unavailable);
}

TEST(ListingRead, WhatStopsIsGivenBackAtOnceAndIsNoFailure) {
    ListingRead stopped = reading(), cancelled = reading();
    stopped.stop();
    cancelled.on_error({ApiError::Kind::cancelled, 0, "stopped"}, {});
    for (const ListingRead* read : {&stopped, &cancelled}) {
        const SiteRelease release = released(*read);
        EXPECT_EQ(release.error, "");
        EXPECT_EQ(release.next_poll_in, Seconds{0});
        EXPECT_FALSE(release.failed);
        EXPECT_EQ(read->result().outcome.reason, ExitReason::stopped);
    }
}

TEST(ListingRead, TheConfigurationNamesARefusedSite) {
    DirectorySettings settings;
    settings.sites["s1"] = {"Ours", ""};
    for (const Stream stream : {Stream::sites, Stream::queues}) {
        ListingRead read = reading(stream, 0, settings);
        read.on_error({ApiError::Kind::forbidden, 403, "no"}, {});
        const auto& configured = std::get<ListingRead::Refuse>(read.next()).refusal.configured;
        EXPECT_EQ(configured.has_value(), stream == Stream::sites);
    }
}

TEST(ListingSchedule, ReadsEachAtTheStartDueOrNot) {
    ListingSchedule schedule({{"s1", Stream::operators}, {"s2", Stream::operators}});
    for (const char* site : {"s1", "s2"}) {
        const auto read = std::get<ListingSchedule::Read>(schedule.next(Milliseconds{0}));
        EXPECT_EQ(read.key.site_id, site);
        EXPECT_TRUE(read.force);
        schedule.on_result(read, {{}, Seconds{60}}, Milliseconds{1000});
    }
    EXPECT_EQ(std::get<ListingSchedule::Wait>(schedule.next(Milliseconds{1000})).duration, Seconds{60});
    EXPECT_FALSE(std::get<ListingSchedule::Read>(schedule.next(Milliseconds{61'000})).force);
}

TEST(ListingSchedule, TheLongestDueComesFirst) {
    ListingSchedule schedule({{"s1", Stream::operators}, {"s2", Stream::operators}});
    const auto read = [&](Milliseconds now, Seconds wait) {
        const auto next = std::get<ListingSchedule::Read>(schedule.next(now));
        schedule.on_result(next, {{}, wait}, now);
        return next.key.site_id;
    };
    read(Milliseconds{0}, Seconds{1});
    read(Milliseconds{0}, Seconds{2});
    EXPECT_EQ(read(Milliseconds{9000}, Seconds{0}), "s1");
    EXPECT_EQ(read(Milliseconds{9000}, Seconds{60}), "s2") << "although s1 is due again";
}

TEST(ListingSchedule, PollsAgainBeforeALongWaitIsOver) {
    ListingSchedule schedule({{"s1", Stream::operators}});
    const auto read = std::get<ListingSchedule::Read>(schedule.next(Milliseconds{0}));
    schedule.on_result(read, {{}, kRefusalPause}, Milliseconds{0});
    const auto wait = std::get<ListingSchedule::Wait>(schedule.next(Milliseconds{0}));
    EXPECT_EQ(wait.duration, ListingSchedule::kLongestWait);
    SiteAcquired acquired;
    acquired.wait = Seconds{20'000};
    EXPECT_EQ(listing_not_leased(acquired).wait, ListingSchedule::kLongestWait);
    acquired.wait = Seconds{0};
    EXPECT_EQ(listing_not_leased(acquired).wait, Seconds{1});
    EXPECT_EQ(listing_not_stored({ExitReason::unavailable, "away"}, {}).wait, Seconds{60});
}

TEST(ListingRead, IsTriedAgainLessAndLessOften) {
    const Milliseconds every{6 * 3'600'000};
    EXPECT_EQ(listing_retry(every, 1), Milliseconds{60'000});
    EXPECT_EQ(listing_retry(every, 3), Milliseconds{240'000});
    EXPECT_EQ(listing_retry(every, 50), Milliseconds{3'600'000});
    EXPECT_EQ(listing_retry(Milliseconds{1000}, 5), Milliseconds{1000});
}

TEST(ListingRead, TheConfigurationAddsToASiteWhatTheApiDoesNotSay) {
    DirectorySettings settings;
    settings.sites["s1"] = {"Ours", "Tallinn"};
    const auto site = configured_site("s1", settings);
    ASSERT_TRUE(site);
    EXPECT_EQ(site->name, "Ours");
    EXPECT_EQ(site->iana_time_zone, "Europe/Tallinn");
    EXPECT_FALSE(configured_site("s2", settings));
    SiteEntry listed;
    listed.id = "s1";
    listed.name = "Theirs";
    listed.time_zone = "Nowhere";
    add_configured(listed, settings);
    EXPECT_EQ(listed.name, "Theirs");
    EXPECT_EQ(listed.time_zone, "Nowhere");
    EXPECT_EQ(listed.iana_time_zone, "Europe/Tallinn");
}

}  // namespace
}  // namespace glia
