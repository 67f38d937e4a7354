// Listings of operators, sites and queues: how they are read, what of them may be kept, what tells that
// something has changed, and what is asked for next (spec: directory-and-statistics).
#include <gtest/gtest.h>

#include "daemon/parse/directory_parser.hpp"
#include "daemon/sync/listing_read.hpp"
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
    EXPECT_EQ(page.rejected.size(), 3U);
    EXPECT_EQ(page.records.operators[0].extra, R"({"enabled":"yes","name":["a"],"picture":"p"})");
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

TEST(DirectoryHash, TellsWhatIsStoredAndNothingElse) {
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

TEST(ListingRead, FollowsLinksToTheLastPage) {
    ListingRead read;
    EXPECT_TRUE(std::holds_alternative<ListingRead::FetchFirst>(read.next()));
    read.on_page(page_of("o1", "/2"), 2, Instant{Seconds{10}});
    EXPECT_EQ(std::get<ListingRead::Follow>(read.next()).link, "/2");
    read.on_page(page_of("o2"), 1, Instant{Seconds{20}});
    EXPECT_TRUE(std::holds_alternative<ListingRead::Commit>(read.next()));
    EXPECT_EQ(read.listing().records.size(), 2U);
    EXPECT_EQ(read.listing().fetched_at, Instant{Seconds{10}});
    EXPECT_EQ(read.listing().requests, 3);
    EXPECT_TRUE(read.listing().every_record_known);
}

TEST(ListingRead, ALinkThatRepeatsItselfEndsItWithAnError) {
    ListingRead read;
    read.on_page(page_of("o1", "/2"), 1, {});
    read.on_page(page_of("o1", "/2"), 1, {});
    EXPECT_TRUE(std::holds_alternative<ListingRead::Failed>(read.next()));
}

TEST(ListingRead, ARejectedRecordMakesTheListingIncomplete) {
    ListingRead read;
    DirectoryPage page = page_of("o1");
    page.rejected = {"id is missing", "other"};
    read.on_page(std::move(page), 1, {});
    EXPECT_TRUE(std::holds_alternative<ListingRead::Commit>(read.next()));
    EXPECT_FALSE(read.listing().every_record_known);
    EXPECT_EQ(read.first_rejection(), "id is missing");
}

TEST(ListingRead, TellsARefusalFromAFailure) {
    for (const int status : {403, 404, 422}) {
        ListingRead read;
        read.on_error({ApiError::Kind::refused, status, "no"});
        EXPECT_TRUE(std::holds_alternative<ListingRead::Refused>(read.next())) << status;
    }
    for (const int status : {0, 401, 400, 500}) {
        ListingRead read;
        read.on_error({ApiError::Kind::unavailable, status, "no"});
        EXPECT_TRUE(std::holds_alternative<ListingRead::Failed>(read.next())) << status;
    }
}

TEST(ListingRead, IsTriedAgainLessAndLessOften) {
    const Milliseconds every{6 * 3'600'000};
    EXPECT_EQ(listing_retry(every, 1), Milliseconds{60'000});
    EXPECT_EQ(listing_retry(every, 3), Milliseconds{240'000});
    EXPECT_EQ(listing_retry(every, 50), Milliseconds{3'600'000});
    EXPECT_EQ(listing_retry(Milliseconds{1000}, 5), Milliseconds{1000});
}

TEST(ListingRead, TheConfigurationTellsOfASiteWhatTheApiDoesNot) {
    DirectorySettings settings;
    settings.sites["s1"] = {"Ours", "Tallinn"};
    const auto site = configured_site("s1", settings);
    ASSERT_TRUE(site);
    EXPECT_EQ(site->name, "Ours");
    EXPECT_EQ(site->iana_time_zone, "Europe/Tallinn");
    EXPECT_FALSE(configured_site("s2", settings));
    SiteEntry told;
    told.id = "s1";
    told.name = "Theirs";
    told.time_zone = "Nowhere";
    add_configured(told, settings);
    EXPECT_EQ(told.name, "Theirs");
    EXPECT_EQ(told.time_zone, "Nowhere");
    EXPECT_EQ(told.iana_time_zone, "Europe/Tallinn");
}

}  // namespace
}  // namespace glia
