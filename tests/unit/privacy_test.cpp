// privacy: what each level keeps and drops, column by column.
#include <gtest/gtest.h>

#include "daemon/parse/engagement_parser.hpp"
#include "daemon/parse/privacy.hpp"
#include "sinks/content_hash.hpp"
#include "tests/printing.hpp"

namespace glia {
namespace {

constexpr auto kKeep = PrivacyLevel::keep;
constexpr auto kHash = PrivacyLevel::hash;
constexpr auto kDrop = PrivacyLevel::drop;

Privacy all(PrivacyLevel level) {
    return Privacy({level, level, level, level, level}, "sixteen bytes or more");
}

// Every value that can identify a person holds one of these words.
const std::vector<std::string> kSecrets{"Sasha", "v-17", "XaMiTQI", "bad"};

const std::string kRecord =
    R"({"id":"e1","created_at":"2017-07-07T13:47:21Z","visitor_name":"Sasha","visitor_id":"v-17","visitor_browser":"Chrome",)"
    R"("visitor":{"href":"https://api.glia.com/visitors/v-17","nick":"Sasha"},"audio_recording_urls":["https://api.glia.com/r/XaMiTQI"],)"
    R"("mood":{"feels":["bad"]},"queues":[{"id":"q1","name":"Sales","feels":"x"}],)"
    R"("legs":[{"id":"l1","operator":{"id":"o1","feels":1},"note":"feels","request_queues":[{"id":"q1","name":"Sales"}]}])";

Engagement engagement(const Privacy& privacy) {
    EngagementParser parser(privacy);
    std::string body = kRecord + "}";
    return *parser.detail(body).value->engagement;
}
RejectedRecord rejected(const Privacy& privacy, const std::string& more = R"(,"created_at":"soon"})") {
    EngagementParser parser(privacy);
    std::string body = kRecord + more;
    return *parser.detail(body).value->rejected;
}
void expect_no_secret(const std::string& text) {
    for (const std::string& secret : kSecrets) EXPECT_EQ(text.find(secret), std::string::npos) << text;
}

TEST(Privacy, KeepLeavesEverythingAsItCame) {
    EXPECT_EQ(engagement(all(kKeep)), engagement(Privacy()));
    EXPECT_EQ(rejected(all(kKeep)).payload, kRecord + R"(,"created_at":"soon"})");
}
TEST(Privacy, DropLeavesOutWhatShowsWhoSomebodyIsAndNothingElse) {
    Engagement expected = engagement(Privacy());
    expected.visitor_name.reset();
    expected.visitor_id.reset();
    expected.visitor_href.reset();
    expected.audio_recording_urls = {std::nullopt};
    expected.extra.reset();
    expected.legs->at(0).extra.reset();
    expected.visitor_digest = bytes_hash("v-17");  // by which a forgotten visitor is recognised all the same
    const Engagement dropped = engagement(all(kDrop));
    expected.undocumented_members = dropped.undocumented_members;
    EXPECT_EQ(dropped, expected);
}
TEST(Privacy, WhatIsUndocumentedIsShownByNameAndWithoutAnExampleThatIsNotKept) {
    for (const PrivacyLevel level : {kHash, kDrop}) {
        const Engagement e =
            engagement(Privacy({kKeep, kKeep, kKeep, kKeep, level}, "sixteen bytes or more"));
        UndocumentedMembers members;
        collect_undocumented_members(e, members);
        collect_undocumented_of_legs(e, members);
        std::string paths;
        for (const auto& [path, member] : members) {
            paths += path + " ";
            EXPECT_EQ(member.kind, UndocumentedKind::unknown);
            EXPECT_EQ(member.times, 1);
            EXPECT_EQ(member.example + member.example_of, "") << path;
        }
        EXPECT_EQ(paths, "legs[].note legs[].operator.feels mood queues[].feels visitor.nick ");
    }
}
TEST(Privacy, ExamplesThatAreKeptStayBesideThoseThatAreNot) {
    EngagementParser parser(Privacy({kDrop, kKeep, kKeep, kKeep, kKeep}, ""));
    std::string body =
        R"({"id":"e1","created_at":"2017-07-07T13:47:21Z","visitor_name":["Sasha"],"mood":"calm"})";
    UndocumentedMembers members;
    collect_undocumented_members(*parser.detail(body).value->engagement, members);
    ASSERT_EQ(members.size(), 2u);
    EXPECT_EQ(members.at("mood").example, "\"calm\"");
    EXPECT_EQ(members.at("visitor_name").example, "");
    EXPECT_EQ(members.at("visitor_name").kind, UndocumentedKind::type);
}
TEST(Privacy, ForbidsTheExamplesOfWhatItDoesNotKeep) {
    EXPECT_FALSE(all(kKeep).forbidden_examples().any());
    const ForbiddenExamples forbidden = all(kDrop).forbidden_examples();
    EXPECT_TRUE(forbidden.unknown);
    EXPECT_EQ(forbidden.members,
              (std::vector<std::string>{"visitor_name", "visitor_id", "audio_recording_urls",
                                        "audio_recording_urls[]", "visitor.href"}));
}
TEST(Privacy, HashReplacesByWhatIsEqualForEqualValues) {
    const Privacy privacy = all(kHash);
    const Engagement e = engagement(privacy);
    // printf v-17 | openssl dgst -sha256 -hmac 'sixteen bytes or more'
    EXPECT_EQ(e.visitor_id, "hmac:25ad3ab28199f2a0d8f05b9218c9568ce844d3c4f7218aa8362258f376dec072");
    EXPECT_EQ(e.visitor_name, privacy.pseudonym("Sasha"));
    EXPECT_EQ(e.visitor_href, "https://api.glia.com/visitors/" + e.visitor_id.str());
    EXPECT_EQ(e.audio_recording_urls.at(0), privacy.pseudonym("https://api.glia.com/r/XaMiTQI"));
    EXPECT_EQ(e.extra, "{\"mood\":\"" + privacy.pseudonym(R"({"feels":["bad"]})") + "\",\"queues\":\"" +
                           privacy.pseudonym(R"([{"feels":"x"}])") + "\",\"visitor\":\"" +
                           privacy.pseudonym(R"({"nick":"Sasha"})") + "\"}");
    EXPECT_EQ(e.visitor_browser, "Chrome");
    EXPECT_EQ(e.queues.at(0).name, "Sales");
    EXPECT_EQ(e.legs->at(0).operator_id, "o1");
    EXPECT_NE(privacy.pseudonym("x"), Privacy({kHash}, "another key, long enough").pseudonym("x"));
}
TEST(Privacy, EachLevelIsOfItsOwnFieldOnly) {
    const Engagement whole = engagement(Privacy());
    Engagement e = engagement(Privacy({kDrop, kKeep, kKeep, kKeep, kKeep}, ""));
    EXPECT_EQ(e.visitor_name, std::nullopt);
    e.visitor_name = whole.visitor_name;
    EXPECT_EQ(e, whole);
    e = engagement(Privacy({kKeep, kDrop, kKeep, kKeep, kKeep}, ""));
    EXPECT_EQ(e.visitor_id, std::nullopt);
    EXPECT_EQ(e.visitor_href, std::nullopt);
    EXPECT_EQ(e.visitor_name, whole.visitor_name);
    e = engagement(Privacy({kKeep, kKeep, kDrop, kKeep, kKeep}, ""));
    EXPECT_EQ(e.audio_recording_urls, (RecordList<RecordText>{std::nullopt}));
    EXPECT_EQ(e.extra, whole.extra);
    e = engagement(Privacy({kKeep, kKeep, kKeep, kKeep, kDrop}, ""));
    EXPECT_EQ(e.extra, std::nullopt);
    EXPECT_EQ(e.visitor_id, whole.visitor_id);
}
TEST(Privacy, AVisitorsLinkThatDoesNotEndInItsIdIsHashedAsAWhole) {
    const Privacy privacy = all(kHash);
    for (const std::string href :
         {"https://a/v-17/profile", "https://a/visitors/other", "https://v-17/visitors/v-17"}) {
        Engagement e;
        e.visitor_id = "v-17";
        e.visitor_href = href;
        privacy.apply(e);
        EXPECT_EQ(e.visitor_href, privacy.pseudonym(href));
    }
}
TEST(Privacy, RejectedPayloadsAreTreatedLikeLoadedRecords) {
    EXPECT_EQ(rejected(all(kDrop)).payload,
              R"({"audio_recording_urls":[null],"created_at":"soon","id":"e1",)"
              R"("legs":[{"id":"l1","operator":{"id":"o1"},"request_queues":[{"id":"q1","name":"Sales"}]}],)"
              R"("queues":[{"id":"q1","name":"Sales"}],"visitor":{},"visitor_browser":"Chrome"})");
    const RejectedRecord hashed = rejected(all(kHash));
    expect_no_secret(hashed.payload);
    EXPECT_NE(hashed.payload.find(all(kHash).pseudonym("v-17")), std::string::npos);
    EXPECT_EQ(hashed.engagement_id, "e1");
}
TEST(Privacy, ARejectedPayloadThatWasHashedLoadsAsTheRecordWould) {
    const Privacy privacy = all(kHash);
    std::string body = privacy.apply_to_json(kRecord + "}");
    EngagementParser parser(privacy);
    const Engagement again = *parser.detail(body).value->engagement;
    const Engagement first = engagement(privacy);
    EXPECT_EQ(again.visitor_id, first.visitor_id);
    EXPECT_EQ(again.visitor_name, first.visitor_name);
    EXPECT_EQ(again.visitor_href, first.visitor_href);
    EXPECT_EQ(again.audio_recording_urls, first.audio_recording_urls);
    EXPECT_EQ(privacy.pseudonym(*first.visitor_name), first.visitor_name);
}
TEST(Privacy, WhatIsNoJsonCannotBeParsed) {
    EXPECT_EQ(all(kDrop).apply_to_json("{\"visitor_name\":\"Sasha"), "null");
    for (const char* text : {"Sasha", "\"Sasha\"", "[\"Sasha\"]"})
        EXPECT_EQ(all(kDrop).apply_to_json(text), "null");
    EXPECT_EQ(all(kKeep).apply_to_json("{\"visitor_name\":\"Sasha"), "{\"visitor_name\":\"Sasha");
}

ChatMessage message(const Privacy& privacy, const std::string& sender) {
    ChatMessage m;
    m.type = "user";
    m.message = "my pass is feels";
    m.sender_type = sender;
    m.sender_name = "Sasha";
    m.sender_href = "https://api.glia.com/visitors/v-17";
    m.attachment = R"({"type":"files"})";
    m.metadata = R"({"feels":1})";
    privacy.apply(m);
    return m;
}
TEST(Privacy, OfATranscriptWhoWroteWhenAlwaysStays) {
    ChatMessage dropped = message(all(kDrop), "visitor");
    EXPECT_EQ(dropped.message, std::nullopt);
    EXPECT_EQ(dropped.sender_name, std::nullopt);
    EXPECT_EQ(dropped.sender_href, std::nullopt);
    EXPECT_EQ(dropped.attachment, std::nullopt);
    EXPECT_EQ(dropped.metadata, std::nullopt);
    EXPECT_EQ(dropped.type, "user");
    EXPECT_EQ(dropped.sender_type, "visitor");
    const Privacy hash = all(kHash);
    const ChatMessage hashed = message(hash, "visitor");
    EXPECT_EQ(hashed.message, hash.pseudonym("my pass is feels"));
    EXPECT_EQ(hashed.attachment, "\"" + hash.pseudonym(R"({"type":"files"})") + "\"");
    EXPECT_EQ(message(all(kKeep), "visitor").message, "my pass is feels");
}
TEST(Privacy, OperatorsAreNamedAndEverybodyElseIsNot) {
    EXPECT_EQ(message(all(kDrop), "operator").sender_name, "Sasha");
    EXPECT_EQ(message(all(kDrop), "omniguide").sender_name, std::nullopt);
    EXPECT_EQ(message(all(kDrop), "").sender_name, std::nullopt);
}

}  // namespace
}  // namespace glia
