#include <gtest/gtest.h>
#include <simdjson.h>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/engagement_parser.hpp"
#include "daemon/parse/json_repair.hpp"
#include "sinks/json_text.hpp"
#include "sinks/timestamp.hpp"
#include "tests/printing.hpp"

namespace glia {
namespace {

ParsedPage page(std::string body) {
    EngagementParser parser;
    auto parsed = parser.page(body);
    EXPECT_TRUE(parsed.value) << parsed.failure.reason;
    return parsed.value.value_or(ParsedPage{});
}
ParsedPage page_of(const std::string& records) {
    return page("{\"engagements\":[" + records + "],\"next_page\":null}");
}
Engagement one(const std::string& record) {
    ParsedPage parsed = page_of(record);
    EXPECT_EQ(parsed.engagements.size(), 1u) << (parsed.rejected.empty() ? "" : parsed.rejected[0].reason);
    return parsed.engagements.empty() ? Engagement{} : parsed.engagements[0];
}
std::string reason(const std::string& record) {
    const ParsedPage parsed = page_of(record);
    EXPECT_EQ(parsed.rejected.size(), 1u);
    return parsed.rejected.empty() ? "" : parsed.rejected[0].reason;
}
std::string record(const std::string& more) {
    return R"({"id":"e1","created_at":"2017-07-07T13:47:21.150Z")" + more + "}";
}
ParseFailure::Kind failure(std::string body) {
    EngagementParser parser;
    auto parsed = parser.page(body);
    EXPECT_FALSE(parsed.value);
    return parsed.failure.kind;
}

const std::string kFull =
    R"({"id":"e1","engagement_type":"reactive","created_at":"2017-07-07T13:47:21.150Z","duration":268,"visitor_name":"Sasha","visitor_browser":"Chrome",
 "visitor_device_type":"mobile","visitor_id":"v1","cobrowsing_used":true,"video_used":false,"audio_used":true,"flagged":false,"queue_wait_time":42,"platform":"omnicore",
 "audio_recording_urls":["https://x/1",null],"crm_forwarded":false,"summary_forwarded":true,"visitor":{"href":"https://x/visitors/v1"},"chat_transcript":{"href":"https://x/t"},
 "operators":[{"href":"https://x/operators/o1"},{"href":"https://x/operators/o2/?a=b"}],"source":"tab","queues":[{"id":"q1","name":"Queue"}],
 "legs":[{"id":"l1","operator":{"id":"o1"},"site":{"id":"s1"},"requested_at":"2017-07-07T13:47:10.000Z","accepted_at":"2017-07-07T13:47:21.150Z","request_type":"reactive",
 "request_source":"tab","offered_media_type":"video","accepted_media_type":"text","request_queues":[{"id":"q1","name":"Queue"}],"duration":109,"highest_visitor_media_type":"text",
 "highest_operator_media_type":"text","used_cobrowsing":false,"ended_at":"2017-07-07T13:49:10.150Z","end_reason":"transfer"},
 {"id":"l2","request_queues":null,"request_source":null,"ended_at":null}]})";

TEST(Parser, ReadsEveryDocumentedField) {
    const Engagement e = one(kFull);
    EXPECT_EQ(e.id, "e1");
    EXPECT_EQ(to_iso8601(e.created_at), "2017-07-07T13:47:21.150Z");
    EXPECT_EQ(e.duration, 268);
    EXPECT_EQ(e.visitor_name, "Sasha");
    EXPECT_EQ(e.audio_used, true);
    EXPECT_EQ(e.queue_wait_time, 42);
    EXPECT_EQ(e.source, "tab");
    EXPECT_EQ(e.visitor_href, "https://x/visitors/v1");
    EXPECT_EQ(e.chat_transcript_href, "https://x/t");
    EXPECT_EQ(e.audio_recording_urls, (RecordList<RecordText>{"https://x/1", std::nullopt}));
    EXPECT_EQ(e.operators[1].operator_id, "o2");
    EXPECT_EQ(e.queues, (std::vector<QueueRef>{{"q1", "Queue"}}));
    EXPECT_EQ(e.extra, std::nullopt);
    ASSERT_TRUE(e.legs);
    const Leg& leg = e.legs->at(0);
    EXPECT_EQ(leg.operator_id, "o1");
    EXPECT_EQ(leg.site_id, "s1");
    EXPECT_EQ(leg.end_reason, "transfer");
    EXPECT_EQ(leg.request_queues, (std::vector<QueueRef>{{"q1", "Queue"}}));
    EXPECT_EQ(to_iso8601(*leg.ended_at), "2017-07-07T13:49:10.150Z");
    EXPECT_TRUE(e.legs->at(1).request_queues.empty());
    EXPECT_EQ(e.legs->at(1).ended_at, std::nullopt);
}
TEST(Parser, OrderOfMembersDoesNotMatter) {
    EXPECT_EQ(one(R"({"flagged":true,"created_at":"2017-07-07T13:47:21.150Z","duration":5,"id":"e1"})"),
              one(record(R"(,"duration":5,"flagged":true)")));
}
TEST(Parser, NullAndAbsentAreTheSame) {
    std::string nulls;
    for (const char* key :
         {"engagement_type", "duration", "visitor_name", "cobrowsing_used", "queue_wait_time", "source",
          "visitor", "chat_transcript", "operators", "queues", "audio_recording_urls", "legs", "platform"}) {
        nulls += ",\"" + std::string(key) + "\":null";
    }
    EXPECT_EQ(one(record(nulls)), one(record("")));
}
TEST(Parser, OnlyIdAndCreatedAtAreRequired) {
    EXPECT_EQ(reason(R"({"created_at":"2017-07-07T13:47:21.150Z"})"), "id is missing");
    EXPECT_EQ(reason(R"({"id":"e1"})"), "created_at is missing");
    EXPECT_EQ(reason(R"({"id":"e1","created_at":"not a date"})"),
              "created_at is not an ISO 8601 time: not a date");
    EXPECT_FALSE(one(record("")).legs);
}
TEST(Parser, UndocumentedMembersGoToExtraInOneForm) {
    EXPECT_EQ(one(record(R"(,"z": 1 ,"custom":{"b":[1, 2.50,null],"a":9007199254740993})")).extra,
              R"({"custom":{"a":9007199254740993,"b":[1,2.50,null]},"z":1})");
    EXPECT_EQ(one(record(R"(,"visitor":{"href":"h","vip":true})")).extra, R"({"visitor":{"vip":true}})");
    EXPECT_EQ(one(record(R"(,"operators":[{"href":"h"},{"href":"i","name":"Ann"}])")).extra,
              R"({"operators":[{},{"name":"Ann"}]})");
    EXPECT_EQ(one(record(R"(,"legs":[{"id":"l","mood":"ok"}])")).legs->at(0).extra, R"({"mood":"ok"})");
}
TEST(Parser, MembersMayComeInAnyOrderAndWithEscapesInTheirNames) {
    const Engagement e = one(
        R"({"legs":[{"end_reason":"transfer","x":1,"id":"l1","duration":7}],"y":2,"visitor":{"x":1,"href":"h"},"created_at":"2017-07-07T13:47:21.150Z",)"
        R"("\u0064uration":268,"a\"b":3,"id\"":9,"\u00e9":4,"id":"e1","queues":[{"name":"Sales","\u0069d":"q1"}],"engagement_typ":5,"engagement_types":6,"":7})");
    EXPECT_EQ(e.id, "e1");
    EXPECT_EQ(e.duration, 268);
    EXPECT_EQ(e.engagement_type, std::nullopt);
    EXPECT_EQ(e.visitor_href, "h");
    EXPECT_EQ(e.queues, (RecordList<QueueRef>{{"q1", "Sales"}}));
    EXPECT_EQ(e.legs->at(0).id, "l1");
    EXPECT_EQ(e.legs->at(0).duration, 7);
    EXPECT_EQ(e.legs->at(0).end_reason, "transfer");
    EXPECT_EQ(e.legs->at(0).extra, R"({"x":1})");
    EXPECT_EQ(e.extra,
              "{\"\":7,\"a\\\"b\":3,\"engagement_typ\":5,\"engagement_types\":6,\"id\\\"\":9,\"visitor\":{"
              "\"x\":1},\"y\":"
              "2,\"\xc3\xa9\":4}");
}
TEST(Parser, OfAMemberTwiceTheLastCounts) {
    EXPECT_EQ(one(record(R"(,"duration":1,"duration":2,"x":1,"x":2)")).duration, 2);
    EXPECT_EQ(one(record(R"(,"x":1,"x":2)")).extra, R"({"x":2})");
}
TEST(Parser, NulBecomesTheReplacementCharacter) {
    const Engagement e = one(record(R"(,"visitor_name":"a\u0000b","x":{"k\u0000":"\u0000"})"));
    EXPECT_EQ(e.visitor_name,
              "a\xef\xbf\xbd"
              "b");
    EXPECT_EQ(e.extra, "{\"x\":{\"k\xef\xbf\xbd\":\"\xef\xbf\xbd\"}}");
}
TEST(Parser, ALoneSurrogateCostsACharacterNotTheRecord) {
    EXPECT_EQ(one(record(R"(,"visitor_name":"a\ud83db")")).visitor_name,
              "a\xef\xbf\xbd"
              "b");
    EXPECT_EQ(one(record(R"(,"visitor_name":"\ud83d\ude00")")).visitor_name, "\xf0\x9f\x98\x80");
}
TEST(Parser, UnknownEnumerationsLoad) {
    EXPECT_EQ(one(record(R"(,"engagement_type":"callback")")).engagement_type, "callback");
}
TEST(Parser, AFlagIsOneOfThreeWordsWhateverSpaceIsAroundIt) {
    for (const char* space : {"", " ", "\n\t  "}) {
        const auto flag = [&](const std::string& word) {
            return one(record(",\"flagged\":" + (space + word) + space)).flagged;
        };
        EXPECT_EQ(flag("true"), true);
        EXPECT_EQ(flag("false"), false);
        EXPECT_EQ(flag("null"), std::nullopt);
    }
    for (const std::string word :
         {"truE", "trues", "fals", "falsy", "falsetto", "1", "\"true\"", "[true]", "nul", "nulls", "nuLl"})
        EXPECT_EQ(one(record(",\"flagged\":" + word)).flagged, std::nullopt) << word;
}
TEST(Parser, WholeNumbersMayBeWrittenAsDecimals) {
    EXPECT_EQ(one(record(R"(,"duration":10.0)")).duration, 10);
}

TEST(Parser, OneBadRecordCostsOneRecord) {
    const ParsedPage parsed = page_of(record("") + R"(,{"id":"e2","created_at":"soon"},7,)" +
                                      R"({"id":"e3","created_at":"2017-07-08"})");
    ASSERT_EQ(parsed.engagements.size(), 2u);
    EXPECT_EQ(parsed.engagements[1].id, "e3");
    ASSERT_EQ(parsed.rejected.size(), 2u);
    EXPECT_EQ(parsed.rejected[0].engagement_id, "e2");
    EXPECT_EQ(parsed.rejected[0].payload, R"({"id":"e2","created_at":"soon"})");
    EXPECT_EQ(parsed.rejected[0].reason, "created_at is not an ISO 8601 time: soon");
    EXPECT_EQ(parsed.rejected[1].payload, "7");
    EXPECT_EQ(parsed.rejected[1].engagement_id, std::nullopt);
}
TEST(Parser, WithoutAnIdOrATimeThatCanBeReadThereIsNoRecord) {
    const std::string time = R"("created_at":"2017-07-07")";
    EXPECT_EQ(reason("{\"id\":7," + time + "}"), "id is not a string: 7");
    EXPECT_EQ(reason("{\"id\":\"\"," + time + "}"), "id is missing");
    EXPECT_EQ(reason("{\"id\":\"" + std::string(1001, 'x') + "\"," + time + "}"),
              "id is longer than an id can be");
    EXPECT_EQ(reason(R"({"id":"e1","created_at":20170707})"), "created_at is not a string: 20170707");
    EXPECT_EQ(one("{\"id\":7,\"id\":\"e1\"," + time + "}").id, "e1");
    EXPECT_EQ(reason("{\"id\":\"e1\",\"id\":7," + time + "}"), "id is not a string: 7");
}
TEST(Parser, AReasonIsOneLineOfTextThatPostgresTakes) {
    std::string umlauts;
    for (int i = 0; i < 40; ++i) umlauts += "\xc3\xbc";
    for (const std::string& time : {"x" + umlauts, "xy" + umlauts, std::string(R"(a\nb\u0000c)")}) {
        const std::string why = reason(R"({"id":"e1","created_at":")" + time + "\"}");
        EXPECT_EQ(repair_utf8(why), why);
        EXPECT_EQ(why.find_first_of(std::string("\n\0", 2)), std::string::npos) << why;
    }
}
TEST(Parser, IdsThatAreNotTheSameStayApart) {
    // Repaired to the same replacement character, different ids would become one engagement.
    for (const std::string id : {R"(e\u0000)", R"(e\ud800)", "e\xef\xbf\xbd"})
        EXPECT_TRUE(reason("{\"id\":\"" + id + R"(","created_at":"2017-07-07"})").starts_with("id holds"));
    for (const std::string id : {"e ", " e", "e\x7f", "E", "e\xc2\xa0"})
        EXPECT_EQ(one("{\"id\":\"" + id + R"(","created_at":"2017-07-07"})").id, id);
}
TEST(Parser, TheLinkMayComeFirstOrBeAbsent) {
    EXPECT_EQ(page(R"({"next_page":"https://x/?cursor=1","engagements":[]})").next_page,
              "https://x/?cursor=1");
    EXPECT_EQ(page(R"({"engagements":[]})").next_page, std::nullopt);
    EXPECT_EQ(page(R"({"engagements":[],"next_page":""})").next_page, std::nullopt);
}
TEST(Parser, WhatIsNoPageIsNotTakenForAnEmptyOne) {
    EXPECT_EQ(failure(""), ParseFailure::Kind::not_json);
    EXPECT_EQ(failure("<html>"), ParseFailure::Kind::wrong_shape);
    EXPECT_EQ(failure(R"({"engagements":[)" + record("") + "]"), ParseFailure::Kind::not_json);
    EXPECT_EQ(failure(R"({"engagements":[)" + record("")), ParseFailure::Kind::not_json);
    EXPECT_EQ(failure("{\"engagements\":[{\"id\":\"\xff\"}]}"), ParseFailure::Kind::invalid_utf8);
    EXPECT_EQ(failure(R"({"error":"x"})"), ParseFailure::Kind::wrong_shape);
    EXPECT_EQ(failure(R"({"engagements":{}})"), ParseFailure::Kind::wrong_shape);
    EXPECT_EQ(failure(R"({"engagements":[],"next_page":5})"), ParseFailure::Kind::wrong_shape);
}
TEST(Parser, ADetailIsAnEngagementOrARejection) {
    EngagementParser parser;
    std::string good = kFull;
    EXPECT_EQ(parser.detail(good).value->engagement->id, "e1");
    std::string bad = R"({"id":"e1","created_at":null})";
    EXPECT_EQ(parser.detail(bad).value->rejected->reason, "created_at is missing");
    std::string cut = kFull.substr(0, kFull.size() - 5);
    EXPECT_FALSE(parser.detail(cut).value);
}
TEST(Parser, TakesABodyThatItReadsAndLeavesAnyOther) {
    EngagementParser parser;
    std::string read = "{\"engagements\":[" + kFull + "]}";
    EXPECT_TRUE(parser.page(read).value);
    EXPECT_EQ(read, "");
    const std::string other = "{\"engagements\":5}", cut = kFull.substr(0, kFull.size() - 5);
    std::string left = other;
    EXPECT_FALSE(parser.page(left).value);
    EXPECT_EQ(left, other);
    left = cut;
    EXPECT_FALSE(parser.detail(left).value);
    EXPECT_EQ(left, cut);
}
TEST(Parser, ReadsSmallObjectsInWhateverFormTheyCome) {
    const Engagement expected = one(record(R"(,"visitor":{"href":"v"},"queues":[{"id":"q","name":"n"}])"));
    for (const char* visitor : {R"({ "href":"v"})", R"({"href" : "v"})", R"({"href":"\u0076"})",
                                R"({"hr\u0065f":"v"})", R"({"href":"w","href":"v"})"}) {
        for (const char* queue : {R"({"name":"n","id":"q"})", R"({"id":"q", "name":"n"})",
                                  R"({"id":"q","name":"\u006e"})", R"({"id":"p","name":"n","id":"q"})"}) {
            EXPECT_EQ(one(record(std::string(",\"visitor\":") + visitor + ",\"queues\":[" + queue + "]")),
                      expected)
                << visitor << queue;
        }
    }
    EXPECT_EQ(one(record(R"(,"visitor":{"href":"v","age":7})")).extra, R"({"visitor":{"age":7}})");
    EXPECT_EQ(one(record(R"(,"queues":[{"id":"q","name":"n"},{"id":"r","name":"m","open":true}])")).extra,
              R"({"queues":[{},{"open":true}]})");
    EXPECT_EQ(one(record(R"(,"visitor":{"href":null},"queues":[{"id":"q","name":null}])")).queues.at(0).name,
              std::nullopt);
    EXPECT_EQ(reason(record(R"(,"visitor":{"href":"v"])")).substr(0, 24), "the record is malformed:");
}
TEST(Parser, KeepsUndocumentedMembersOfEveryKind) {
    EXPECT_EQ(
        one(record(
                R"(,"z": [1.50 , {"b":null,"a":"x\u0000y"}] ,"t":true,"a\u0000":"\ud800","n":-0e1,"z\"":{})"))
            .extra,
        R"({"a�":"�","n":-0e1,"t":true,"z":[1.50,{"a":"x�y","b":null}],"z\"":{}})");
    EXPECT_EQ(one(record(R"(,"m":1,"m":2)")).extra, R"({"m":2})");
}
std::string canonical(std::string_view json) {
    std::string why;
    return canonical_json(json, why).value_or("none: " + why);
}

TEST(CanonicalJson, SortsMembersAndKeepsNumbers) {
    EXPECT_EQ(canonical(R"( {"b":1.0, "a":[true ,"x"]} )"), R"({"a":[true,"x"],"b":1.0})");
}
TEST(CanonicalJson, TakesScalars) {
    EXPECT_EQ(canonical("7"), "7");
    EXPECT_EQ(canonical("\"x\""), "\"x\"");
    EXPECT_EQ(canonical("null"), "null");
}
TEST(CanonicalJson, AsksTheRuleForEachMember) {
    std::string why;
    std::string visited;
    const auto text = canonical_json(R"({"a":[{"b":{"c":1}}],"d":2})", why,
                                     [&](std::string_view path, std::string_view name, std::string& value) {
                                         visited +=
                                             std::string(path) + "." + std::string(name) + "=" + value + " ";
                                         if (name == "c") value = "3";
                                         return name != "d";
                                     });
    EXPECT_EQ(visited, R"(a/b.c=1 a.b={"c":3} .a=[{"b":{"c":3}}] .d=2 )");
    EXPECT_EQ(text, R"({"a":[{"b":{"c":3}}]})");
}
TEST(JsonText, UnquotesWhatItQuoted) {
    for (const std::string text : {"", "plain", "\\ \" \n \x01 \xc3\xbc", "\\u0041"})
        EXPECT_EQ(json_unquote(json_quote(text)), text);
    for (const char* no : {"x", "\"", "{}", "\"\\\"", "\"\\u00\""})
        EXPECT_EQ(json_unquote(no), std::nullopt) << no;
}
TEST(CanonicalJson, RefusesWhatPostgresWould) {
    for (const char* json : {"[1,]", "{} {}", "{\"a\" 1}", "[1 2]", ""})
        EXPECT_EQ(canonical(json).substr(0, 5), "none:") << json;
    EXPECT_EQ(canonical(std::string(300, '[') + std::string(300, ']')), "none: nested too deep");
}
TEST(RepairJson, LeavesWhatIsJsonAlone) {
    for (const std::string json :
         {R"({"a":[1,-2.5e3,0,true,false,null,"x\\u0000\"\n\u00fc\ud83d\ude00"], "b" : {}})", "", "\"\x7f\"",
          "[1e1000]"})
        EXPECT_EQ(repair_json(json), json);
}
TEST(RepairJson, RepairsWhatStandsInStrings) {
    EXPECT_EQ(repair_json(R"("\\u0000 \u0000 \ud800x \udc00\ud800")"),
              R"("\\u0000 \ufffd \ufffdx \ufffd\ufffd")");
    EXPECT_EQ(repair_json(std::string("\"a\tb\nc\0d\x1f\"", 10)), R"("a\u0009b\u000ac\ufffdd\u001f")");
    EXPECT_EQ(repair_json(R"("C:\x \u12 \u-001 \'")"), R"("C:\\x \\u12 \\u-001 \\'")");
    EXPECT_EQ(repair_json("\"\xff\""), "\"\xef\xbf\xbd\"");
}
TEST(RepairJson, MakesTextOfNumbersThatNoMachineTypeHoldsForTheDomOnly) {
    for (const std::string number : {"18446744073709551616", "-9223372036854775809",
                                     "1000000000000000000000000000000", "1e999", "-1.5E400"}) {
        EXPECT_EQ(repair_json("[" + number + "]"), "[" + number + "]");
        EXPECT_EQ(repair_for_dom("[" + number + "]"), "[\"" + number + "\"]");
    }
    for (const std::string number :
         {"0", "-0", "18446744073709551615", "-9223372036854775808", "1e300", "1.5", "-2E-3"}) {
        EXPECT_EQ(repair_for_dom("[" + number + "]"), "[" + number + "]");
        simdjson::dom::parser parser;
        EXPECT_EQ(parser.parse("[" + number + "]").error(), simdjson::SUCCESS) << number;
    }
}
TEST(RepairJson, MakesTextOfNumbersAndWordsThatJsonDoesNotKnow) {
    for (const std::string word : {"01", "1.", ".5", "+1", "-", "1e", "NaN", "-Infinity", "nul", "truE",
                                   "0x1f", "1e1001", "1e99999999999"})
        EXPECT_EQ(repair_json("[" + word + "]"), "[\"" + word + "\"]");
    EXPECT_EQ(repair_json(std::string("[1\v,\0 2]", 8)), "[1 ,  2]");
}
TEST(RepairUtf8, ReplacesOnlyWhatIsBroken) {
    EXPECT_EQ(repair_utf8("a\xff\xc3\xbc\xe2\x82"), "a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace glia
