// A documented field that is not of its documented type costs only itself (DESIGN.md §3.5); and legs whose
// ids are missing or equal.
#include <gtest/gtest.h>

#include "daemon/parse/engagement_parser.hpp"
#include "sinks/json_text.hpp"
#include "sinks/record_hash.hpp"
#include "tests/printing.hpp"

namespace glia {
namespace {

Engagement one(const std::string& more, const Privacy& privacy = {}) {
    EngagementParser parser(privacy);
    std::string body = R"({"engagements":[{"id":"e1","created_at":"2017-07-07T13:47:21Z")" + more + "}]}";
    auto parsed = parser.page(body);
    EXPECT_TRUE(parsed.value) << parsed.failure.reason;
    if (!parsed.value || parsed.value->engagements.size() != 1) {
        ADD_FAILURE() << (parsed.value && !parsed.value->rejected.empty() ? parsed.value->rejected[0].reason
                                                                          : "?");
        return Engagement{};
    }
    return std::move(parsed.value->engagements[0]);
}
std::string extra(const std::string& more, const Privacy& privacy = {}) {
    return one(more, privacy).extra.str();
}
/// Expects that both are equal, except for `extra`.
void expect_beside_extra(Engagement actual, const Engagement& expected) {
    actual.extra.reset();
    EXPECT_EQ(actual, expected);
}

TEST(Mistyped, ScalarsBecomeNullAndStayInExtraAsTheyWereSent) {
    struct Case {
        const char* name;
        std::vector<std::string> values;
    };
    const std::vector<Case> cases{
        {"duration", {R"("109")", "10.5", "1e30", "[1]", "{}", "true", "9223372036854775808"}},
        {"queue_wait_time", {R"("")", "{\"s\":1}"}},
        {"visitor_name", {R"({"first":"Ann"})", "7", "[]", "false"}},
        {"visitor_browser", {"7"}},
        {"visitor_device_type", {"[\"mobile\"]"}},
        {"visitor_id", {"17"}},
        {"engagement_type", {"1"}},
        {"platform", {"{}"}},
        {"source", {"[null]"}},
        {"flagged", {R"("yes")", "1", "0", "{}"}},
        {"cobrowsing_used", {"\"true\""}},
        {"crm_forwarded", {"[]"}},
        {"visitor", {R"("x")", "[]", "7"}},
        {"chat_transcript", {"[]", "\"https://x\""}},
        {"operators", {"{}", R"("x")"}},
        {"queues", {"{}", "true"}},
        {"audio_recording_urls", {R"("https://x")", "{}"}},
        {"legs", {R"("x")", "{}", "3"}},
    };
    for (const Case& field : cases) {
        for (const std::string& value : field.values) {
            const std::string member = std::string("\"") + field.name + "\":" + value;
            const Engagement read = one("," + member + R"(,"platform2":1)");
            EXPECT_EQ(read.extra.str(), std::string(field.name) < "platform2"
                                            ? "{" + member + R"(,"platform2":1})"
                                            : R"({"platform2":1,)" + member + "}");
            expect_beside_extra(read, one(""));
        }
    }
}
TEST(Mistyped, NullIsOfEveryType) {
    EXPECT_EQ(one(R"(,"operators":null,"legs":null,"visitor":{"href":null},"duration":null)").extra,
              std::nullopt);
}
TEST(Mistyped, AWholeNumberIsOneInEveryNotation) {
    EXPECT_EQ(one(R"(,"duration":109.0)").duration, 109);
    EXPECT_EQ(one(R"(,"duration":109.0)").extra, std::nullopt);
}
TEST(Mistyped, ElementsOfListsCostThemselvesAndKeepTheirPlaces) {
    Engagement e = one(R"(,"queues":[1,{"id":"q","name":"n"},{"id":7,"name":"m"},null])");
    EXPECT_EQ(
        e.queues,
        (RecordList<QueueRef>{
            {std::nullopt, std::nullopt}, {"q", "n"}, {std::nullopt, "m"}, {std::nullopt, std::nullopt}}));
    EXPECT_EQ(e.extra, R"({"queues":[1,{},{"id":7},{}]})");
    e = one(R"(,"operators":[{"href":7},{"href":"https://x/o1"},"o2"])");
    EXPECT_EQ(e.operators.at(1).operator_id, "o1");
    EXPECT_EQ(e.operators.at(0), OperatorRef{});
    EXPECT_EQ(e.extra, R"({"operators":[{"href":7},{},"o2"]})");
    e = one(R"(,"audio_recording_urls":["https://x/1",7,null])");
    EXPECT_EQ(e.audio_recording_urls, (RecordList<RecordText>{"https://x/1", std::nullopt, std::nullopt}));
    EXPECT_EQ(e.extra, R"({"audio_recording_urls":[null,7,null]})");
    EXPECT_EQ(extra(R"(,"visitor":{"href":7,"vip":true},"queues":[1,2])"),
              R"({"queues":[1,2],"visitor":{"href":7,"vip":true}})");
}
TEST(Mistyped, IdsThatNoIndexHoldsAreNoIds) {
    const std::string longest(1001, 'q');
    const Engagement e =
        one(",\"visitor_id\":\"" + longest + "\",\"queues\":[{\"id\":\"" + longest +
            R"(","name":"n"}],"legs":[{"id":")" + longest + R"(","operator":{"id":")" + longest + "\"}}]");
    EXPECT_EQ(e.visitor_id, std::nullopt);
    EXPECT_EQ(e.queues, (RecordList<QueueRef>{{std::nullopt, "n"}}));
    EXPECT_EQ(e.extra, R"({"queues":[{"id":")" + longest + R"("}],"visitor_id":")" + longest + "\"}");
    EXPECT_EQ(e.legs->at(0).id, "#0");
    EXPECT_EQ(e.legs->at(0).extra, R"({"id":")" + longest + R"(","operator":{"id":")" + longest + "\"}}");
}
TEST(Mistyped, FieldsOfALegCostThemselves) {
    const Engagement e = one(
        R"(,"legs":[{"id":"l1","operator":"o","site":{"id":3},"requested_at":"not a date","accepted_at":5,"request_type":1,)"
        R"("request_queues":{"id":"q"},"duration":"9","used_cobrowsing":"no","end_reason":"transfer"}])");
    Leg expected;
    expected.id = "l1";
    expected.end_reason = "transfer";
    expected.extra =
        R"({"accepted_at":5,"duration":"9","operator":"o","request_queues":{"id":"q"},"request_type":1,"requested_at":"not a date",)"
        R"("site":{"id":3},"used_cobrowsing":"no"})";
    EXPECT_EQ(*e.legs, RecordList<Leg>{expected});
    EXPECT_EQ(e.extra, std::nullopt);
}
TEST(Mistyped, ALegThatIsNoObjectIsNoLegButIsKept) {
    const Engagement e = one(R"(,"legs":[5,{"id":"l1"},null])");
    EXPECT_EQ(e.legs->size(), 1u);
    EXPECT_EQ(e.legs->at(0).id, "l1");
    EXPECT_EQ(e.extra, R"({"legs":[5,{},null]})");
}
TEST(Mistyped, OfAMemberTwiceTheLastCountsInExtraToo) {
    EXPECT_EQ(one(R"(,"duration":"x","duration":5)").extra, std::nullopt);
    EXPECT_EQ(one(R"(,"visitor":{"vip":1},"visitor":{"href":"h"})").extra, std::nullopt);
    const Engagement e = one(R"(,"duration":5,"duration":"x","queues":[{"id":"q"}],"queues":7)");
    EXPECT_EQ(e.duration, std::nullopt);
    EXPECT_TRUE(e.queues.empty());
    EXPECT_EQ(e.extra, R"({"duration":"x","queues":7})");
}
TEST(Mistyped, TheContentHashKnowsTheValue) {
    const auto hash = [](const std::string& more) { return core_hash(one(more)); };
    EXPECT_NE(hash(R"(,"duration":"1")"), hash(R"(,"duration":"2")"));
    EXPECT_NE(hash(R"(,"duration":"1")"), hash(R"(,"duration":1)"));
    EXPECT_NE(hash(R"(,"duration":"1")"), hash(""));
    EXPECT_EQ(hash(R"(,"duration":"1")"), hash(R"(,"duration" : "\u0031")"));
    const auto of_legs = [](const std::string& leg) {
        return legs_hash(*one(",\"legs\":[" + leg + "]").legs);
    };
    EXPECT_NE(of_legs(R"({"id":"l","duration":"1"})"), of_legs(R"({"id":"l","duration":"2"})"));
}

// ------------------------------------------------------------------------------------------ privacy

constexpr auto kKeep = PrivacyLevel::keep;
constexpr auto kHash = PrivacyLevel::hash;
constexpr auto kDrop = PrivacyLevel::drop;
const std::string kKey = "sixteen bytes or more";

TEST(Mistyped, AMemberInExtraGoesByThePrivacyOfItsField) {
    const std::string sent =
        R"(,"visitor_name":["Sasha"],"visitor_id":17,"visitor":"v-17","audio_recording_urls":["https://x/1",7],"duration":"long","mood":"bad",)"
        R"("queues":[{"id":5,"mood":"bad"}],"operators":["o1"])";
    EXPECT_EQ(extra(sent, Privacy({kDrop, kDrop, kDrop, kDrop, kDrop}, "")),
              R"({"duration":"long","operators":["o1"],"queues":[{"id":5}]})");
    EXPECT_EQ(
        extra(sent, Privacy({kKeep, kKeep, kKeep, kKeep, kDrop}, "")),
        R"({"audio_recording_urls":[null,7],"duration":"long","operators":["o1"],"queues":[{"id":5}],"visitor":"v-17","visitor_id":17,"visitor_name":["Sasha"]})");
    EXPECT_EQ(extra(sent, Privacy({kDrop, kDrop, kDrop, kKeep, kKeep}, "")),
              R"({"duration":"long","mood":"bad","operators":["o1"],"queues":[{"id":5,"mood":"bad"}]})");
    const Privacy hash({kHash, kHash, kHash, kHash, kHash}, kKey);
    const auto pseudonym = [&](std::string_view text) { return "\"" + hash.pseudonym(text) + "\""; };
    EXPECT_EQ(extra(sent, hash),
              R"({"audio_recording_urls":[null,)" + pseudonym("7") + R"(],"duration":"long","mood":)" +
                  pseudonym("bad") + R"(,"operators":["o1"],"queues":[{"id":5,"mood":)" + pseudonym("bad") +
                  R"(}],"visitor":)" + pseudonym("v-17") + R"(,"visitor_id":)" + pseudonym("17") +
                  R"(,"visitor_name":)" + pseudonym(R"(["Sasha"])") + "}");
}
TEST(Mistyped, AVisitorsLinkOfAnotherTypeGoesByTheVisitorsId) {
    const std::string sent = R"(,"visitor":{"href":["v-17"],"nick":"Sasha"})";
    EXPECT_EQ(one(sent, Privacy({kKeep, kDrop, kKeep, kKeep, kDrop}, "")).extra, std::nullopt);
    EXPECT_EQ(extra(sent, Privacy({kKeep, kDrop, kKeep, kKeep, kKeep}, "")),
              R"({"visitor":{"nick":"Sasha"}})");
    EXPECT_EQ(extra(sent, Privacy({kKeep, kKeep, kKeep, kKeep, kDrop}, "")),
              R"({"visitor":{"href":["v-17"]}})");
    const std::string hashed = extra(sent, Privacy({kKeep, kHash, kKeep, kKeep, kKeep}, kKey));
    EXPECT_EQ(hashed.find("v-17"), std::string::npos);
    EXPECT_NE(hashed.find("Sasha"), std::string::npos);
}
TEST(Mistyped, AnIdThatALegSentIsNoUndocumentedMember) {
    EXPECT_EQ(one(R"(,"legs":[{"id":"","mood":"bad","duration":"9"}])",
                  Privacy({kKeep, kKeep, kKeep, kKeep, kDrop}, ""))
                  .legs->at(0)
                  .extra,
              R"({"duration":"9","id":""})");
}

// --------------------------------------------------------------------------------------------- legs

std::vector<std::string> leg_ids(const std::string& legs) {
    std::vector<std::string> ids;
    const Engagement e = one(",\"legs\":[" + legs + "]");
    if (e.legs) {
        for (const Leg& leg : *e.legs) ids.push_back(leg.id.str());
    }
    return ids;
}
using Ids = std::vector<std::string>;

TEST(LegIds, LegsWithoutAnIdAreDistinguishedByPosition) {
    EXPECT_EQ(leg_ids(R"({"duration":1},{"id":"l1"},{"id":""},{"id":null},{"id":7},{"id":""})"),
              (Ids{"#0", "l1", "#2", "#3", "#4", "#5"}));
}
TEST(LegIds, TheSecondOfAnIdIsNumberedAndSaysWhatWasSent) {
    const Engagement e = one(
        R"(,"legs":[{"id":"l1","duration":1},{"id":"l1","duration":2,"mood":"ok","a":1},{"id":"l1"},{"id":""}])");
    EXPECT_EQ(e.legs->at(0).id, "l1");
    EXPECT_EQ(e.legs->at(0).extra, std::nullopt);
    EXPECT_EQ(e.legs->at(1).id, "l1#2");
    EXPECT_EQ(e.legs->at(1).duration, 2);
    EXPECT_EQ(e.legs->at(1).extra, R"({"a":1,"id":"l1","mood":"ok"})");
    EXPECT_EQ(e.legs->at(2).id, "l1#3");
    EXPECT_EQ(e.legs->at(3).id, "#3");
    EXPECT_EQ(e.legs->at(3).extra, R"({"id":""})");
}
TEST(LegIds, AnIdThatIsGivenIsNeverTheIdOfAnotherLeg) {
    EXPECT_EQ(leg_ids(R"({"id":"l"},{"id":"l"},{"id":"l#2"},{"id":"#4"},{})"),
              (Ids{"l", "l#3", "l#2", "#4", "#5"}));
}
TEST(LegIds, ManyLegsOfOneIdTakeNoLongerThanTheyAreMany) {
    std::string legs = R"({"id":"l"})";
    for (int i = 0; i < 50'000; ++i) legs += R"(,{"id":"l"})";
    const auto ids = leg_ids(legs);
    EXPECT_EQ(ids.size(), 50'001u);
    EXPECT_EQ(ids.back(), "l#50001");
}

}  // namespace
}  // namespace glia
