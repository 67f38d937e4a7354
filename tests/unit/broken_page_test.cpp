// Bodies that are not valid JSON: one broken record costs one record, whatever is wrong inside it, and a page
// never appears shorter than it is (DESIGN.md §3.3, §3.5).
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/engagement_parser.hpp"
#include "daemon/parse/error_text.hpp"
#include "daemon/parse/small_responses.hpp"
#include "daemon/parse/token_response.hpp"
#include "daemon/parse/transcript.hpp"
#include "sinks/json_text.hpp"
#include "tests/printing.hpp"

namespace glia {
namespace {

const std::string kBom = "\xef\xbb\xbf";

Parsed<ParsedPage> parse(std::string body) {
    EngagementParser parser;
    return parser.page(body);
}
ParsedPage page(const std::string& body) {
    auto parsed = parse(body);
    EXPECT_TRUE(parsed.value) << parsed.failure.reason << "\n" << body;
    return std::move(parsed.value).value_or(ParsedPage{});
}
std::set<std::string> ids(const ParsedPage& page) {
    std::set<std::string> ids;
    for (const Engagement& e : page.engagements) ids.insert(e.id.str());
    return ids;
}
/// A record as the API sends it, shortened.
std::string record(int number, const std::string& more = "") {
    const std::string n = std::to_string(number);
    return R"({"id":"e)" + n +
           R"(","engagement_type":"reactive","created_at":"2017-07-07T13:47:21.150Z","duration":10,"visitor_name":"Ann [1] {2}, \"3\"","visitor":{"href":"https://x/visitors/v)" +
           n +
           R"("},"operators":[{"href":"https://x/operators/o"}],"queues":[{"id":"q","name":"Queue"}],"notes":[{"id":"n1","created_at":"2017-01-01"},{"id":"n2","created_at":"2017-01-01"}],)"
           R"("legs":[{"id":"l","request_queues":[{"id":"q","name":"n"}]}])" +
           more + "}";
}
const std::string kLink = "https://x/engagements?site_ids[]=1&cursor=2";
enum class Link { before, behind };
std::string page_of(const std::vector<std::string>& records, Link link = Link::behind,
                    const std::string& separator = ",") {
    std::string list;
    for (const std::string& one : records) list += (list.empty() ? "" : separator) + one;
    list = "\"engagements\":[" + list + "]";
    const std::string next = "\"next_page\":\"" + kLink + "\"";
    return link == Link::before ? "{" + next + "," + list + "}" : "{" + list + "," + next + "}";
}

// ------------------------------------------------------------------------- around the document

TEST(BrokenPage, AByteOrderMarkIsSkippedEverywhere) {
    EXPECT_EQ(ids(page(kBom + page_of({record(1)}))), (std::set<std::string>{"e1"}));
    EXPECT_EQ(ids(page(kBom + " \n" + page_of({record(1), "{\"id\":\"e2\",\"x\":\"a\tb\"}"}))),
              (std::set<std::string>{"e1"}));
    EngagementParser parser;
    std::string body = kBom + record(1);
    EXPECT_EQ(parser.detail(body).value->engagement->id, "e1");
    body = kBom + R"([{"message":"hi"}])";
    EXPECT_EQ(parse_transcript(body, Privacy()).value->at(0).message, "hi");
    EXPECT_EQ(parse_token_response(kBom + R"({"token":"t","expires_in":60})")->token, "t");
    EXPECT_EQ(parse_recording_response(kBom + R"({"url":"https://x"})"), "https://x");
    EXPECT_EQ(*parse_wait_response(kBom + R"({"average_duration_in_seconds":7})"), 7);
    EXPECT_EQ(parse_end_response(kBom + R"({"id":"e"})")->id, "e");
    EXPECT_EQ(parse_export_response(kBom + R"({"success":true})"), true);
    EXPECT_EQ(error_text(kBom + R"({"error":"no such site"})"), "no such site");
    EXPECT_EQ(error_text(kBom + "Service unavailable"), "Service unavailable");
}
TEST(BrokenPage, PaddingBehindTheDocumentIsNothingAndAnythingElseIsAFault) {
    const std::string body = page_of({record(1)});
    for (const std::string& padding : {std::string(" \r\n\t"), std::string(3, '\0'), std::string("\n\0", 2)})
        EXPECT_EQ(page(body + padding).engagements.size(), 1u);
    for (const std::string garbage : {"x", "{}", "<!-- 3 ms -->", "}", "]", ",", "null"})
        EXPECT_FALSE(parse(body + garbage).value) << garbage;
}
TEST(BrokenPage, TheSmallAnswersAreRepairedToo) {
    EXPECT_EQ(error_text("{\"error\":\"no\tsuch\nsite\"}"), "no such site");
    EXPECT_EQ(error_text("<html><b>Bad</b></html>"), "Bad");
    EXPECT_EQ(parse_token_response("{\"note\":\"a\tb\",\"token\":\"t\"}")->token, "t");
    EXPECT_EQ(*parse_wait_response("{\"note\":\"a\tb\",\"average_duration_in_seconds\":7}"), 7);
}

TEST(BrokenPage, ANumberThatNoMachineTypeHoldsCostsNoSmallAnswer) {
    const std::string n = R"({"n":[100000000000000000000,1e999],)";
    EXPECT_EQ(parse_token_response(n + R"("token":"t","expires_in":100000000000000000000})")->expires_in,
              kLongestLife);
    EXPECT_EQ(parse_recording_response(n + R"("url":"https://x"})"), "https://x");
    EXPECT_EQ(*parse_wait_response(n + R"("average_duration_in_seconds":7})"), 7);
    EXPECT_EQ(parse_end_response(n + R"("id":"e"})")->id, "e");
    EXPECT_EQ(parse_export_response(n + R"("success":true})"), true);
    EXPECT_EQ(error_text(R"({"error":"no such site","ref":100000000000000000000})").find("{"),
              std::string::npos);
    // Records with such numbers are also separated from a broken record.
    const std::string large = ",\"n\":100000000000000000000";
    const ParsedPage parsed =
        page(page_of({record(1), R"({"id":"e2" "x":1})", record(3, large), record(4, large)}));
    EXPECT_EQ(ids(parsed), (std::set<std::string>{"e1", "e3", "e4"}));
    EXPECT_EQ(parsed.rejected.size(), 1u);
}

// -------------------------------------------------------------------------------- within tokens

TEST(BrokenPage, WhatIsWrongWithinATokenIsRepaired) {
    const auto extra_of = [](const std::string& member) {
        const ParsedPage parsed = page(page_of({record(1), record(2, "," + member), record(3)}));
        EXPECT_EQ(ids(parsed), (std::set<std::string>{"e1", "e2", "e3"})) << member;
        EXPECT_EQ(parsed.next_page, kLink);
        return parsed.engagements.size() == 3 ? parsed.engagements[1].extra.str() : "";
    };
    const auto holds = [&](const std::string& member, const std::string& kept) {
        const std::string extra = extra_of(member);
        EXPECT_NE(extra.find(kept), std::string::npos) << member << "\n" << extra;
    };
    holds("\"t\":\"tab\there\"", R"("t":"tab\u0009here")");
    holds("\"t\":\"new\nline\r\"", R"("t":"new\u000aline\u000d")");
    holds(std::string("\"t\":\"a\0b\"", 9),
          "\"t\":\"a\xef\xbf\xbd"
          "b\"");
    holds("\"t\x01\":1", R"("t\u0001":1)");
    holds(R"("t":"C:\x\u12")", R"("t":"C:\\x\\u12")");
    holds(R"("t":"\ud83d")", "\"t\":\"\xef\xbf\xbd\"");
    holds(R"("t":01,"u":[NaN,-,1e999999])", R"("t":"01","u":["NaN","-","1e999999"])");
    holds(R"("duration":NaN)", R"("duration":"NaN")");
    holds("\"t\":" + std::string(3000, '[') + std::string(3000, ']'), "\"t\":\"[[[");
    holds("\"t\":\"" + std::string(1 << 20, 'x') + "\t\"", "xx\\u0009");
    EXPECT_EQ(page(page_of({record(1, ",\"visitor_name\":\"a\tb\"")})).engagements.at(0).visitor_name,
              "a\tb");
}
TEST(BrokenPage, ARecordIsTheSameWhateverItsNeighboursAre) {
    const std::string more = R"(,"t":{"b":"\u0000\u00fc","a":[1.50,{}]},"duration":"9","u":1e400)";
    const Engagement alone = page(page_of({record(1, more)})).engagements.at(0);
    for (const std::string neighbour :
         {"{\"id\":\"e2\",\"x\":\"\t\"}", "{\"id\":\"e2\" 7}", "{\"id\":\"e2\",\"x\":\"}"})
        EXPECT_EQ(page(page_of({record(1, more), neighbour})).engagements.at(0), alone);
}
TEST(BrokenPage, BytesThatAreNotUtf8AreDistinguishedFromOtherFaults) {
    const auto parsed = parse(page_of({record(1, ",\"t\":\"\xff\t\"")}));
    EXPECT_FALSE(parsed.value);
    EXPECT_EQ(parsed.failure.kind, ParseFailure::Kind::invalid_utf8);
    EXPECT_EQ(page(repair_utf8(page_of({record(1, ",\"t\":\"\xff\t\"")}))).engagements.size(), 1u);
}

// ----------------------------------------------------------------------------- between tokens

/// Broken records: invalid JSON, or JSON that is not a record.
const std::vector<std::string> kBroken{
    R"({"id":"e2","created_at":"2017-07-07" "duration":1})",          // no comma
    R"({"id":"e2","created_at" "2017-07-07"})",                       // no colon
    R"({"id":"e2,"created_at":"2017-07-07","queues":[{"id":"q"}]})",  // a quote too few
    R"({"id":"e2","created_at":"2017-07-07","t":"abc})",              // at the end
    R"({"id":"e2","created_at":"2017-07-07","t":"say "hi" there"})",  // quotes too many
    R"({"id":"e2","created_at":"2017-07-07","t":"a"b"})",
    R"({"id":"e2","created_at":"2017-07-07","visitor":{"href":"h","t":1})",  // a bracket too few
    R"({"id":"e2","created_at":"2017-07-07","queues":[{"id":"q"},"t":1})",
    R"({"id":"e2","created_at":"2017-07-07","t":1)",
    R"({"id":"e2","created_at":"2017-07-07","visitor":{"href":"h"}},"t":1})",  // one too many
    R"({"id":"e2","created_at":"2017-07-07","queues":[]],"t":1})",
    R"({"id":"e2","created_at":"2017-07-07"]})",
    R"({"id":"e2","created_at":"2017-07-07",})",
    R"({"id":"e2","created_at":"2017-07-07","t":"C:\"})",
    R"({"id":"e2","notes":[{"id":"n1","created_at":"2017-01-01"},{"id":"n2","created_at":"2017-01-01"}],"t":"abc})",
    R"({"id":"e2","notes":[{"id":"n1","created_at":"2017-01-01"},{"id":"n2","created_at":"2017-01-01"}] "t":1})",
    R"({"id":"e2","parent":{"id":"n1","created_at":"2017-01-01"} "t":1})",
    "7",
    "null",
    "\"text\"",
    "[1,2]",
    "e2",
    "}",
    "\"",
};

TEST(BrokenPage, ABrokenRecordCostsItselfWhereverItStands) {
    for (const std::string& broken : kBroken) {
        for (std::size_t place = 0; place < 4; ++place) {
            for (const Link link : {Link::before, Link::behind}) {
                for (const std::string separator : {",", ", ", ",\n    "}) {
                    std::vector<std::string> records{record(11), record(12), record(13)};
                    records.insert(records.begin() + static_cast<std::ptrdiff_t>(place), broken);
                    const ParsedPage parsed = page(page_of(records, link, separator));
                    EXPECT_EQ(ids(parsed), (std::set<std::string>{"e11", "e12", "e13"})) << broken << place;
                    EXPECT_EQ(parsed.next_page, kLink);
                    ASSERT_FALSE(parsed.rejected.empty()) << broken << place;
                    EXPECT_EQ(parsed.rejected[0].payload.substr(0, 5), broken.substr(0, 5));
                }
            }
        }
    }
}
TEST(BrokenPage, SeveralBrokenRecordsCostThemselves) {
    for (const std::string& first : kBroken) {
        for (const std::string& second : kBroken) {
            if (first == "\"" || second == "\"") continue;  // two of them make a string of everything between
            const ParsedPage parsed =
                page(page_of({record(11), first, record(12), record(13), second, record(14)}));
            std::set<std::string> loaded = ids(parsed);
            EXPECT_TRUE(loaded.contains("e11") && loaded.contains("e14")) << first << second;
            EXPECT_FALSE(loaded.contains("n1") || loaded.contains("n2")) << first << second;
            EXPECT_FALSE(parsed.rejected.empty());
            EXPECT_EQ(parsed.next_page, kLink);
        }
    }
}
TEST(BrokenPage, TheRejectedPayloadIsTheTextAsItCame) {
    const std::string broken = R"({"id":"e2","created_at":"2017-07-07" "t":1})";
    const ParsedPage parsed = page(page_of({record(1), broken, record(3)}));
    ASSERT_EQ(parsed.rejected.size(), 1u);
    EXPECT_EQ(parsed.rejected[0].payload, broken);
    EXPECT_EQ(parsed.rejected[0].engagement_id, "e2");
    EXPECT_TRUE(parsed.rejected[0].reason.starts_with("the record is malformed: "))
        << parsed.rejected[0].reason;
}
TEST(BrokenPage, ARejectedRecordShowsWhoseItIsAsFarAsItCanBeRead) {
    const auto rejected = [](const std::string& broken) {
        const ParsedPage parsed = page(page_of({record(1), broken, record(3)}));
        EXPECT_EQ(parsed.rejected.size(), 1u);
        return parsed.rejected.empty() ? RejectedRecord{} : parsed.rejected[0];
    };
    const RejectedRecord unbalanced =
        rejected(R"({"id":"e2","created_at":"2017-07-07","visitor_id":"v","t":"abc})");
    EXPECT_EQ(unbalanced.engagement_id, "e2");
    EXPECT_TRUE(unbalanced.visitor_digest);
    EXPECT_EQ(rejected(R"( { "id" : "e2" 7})").engagement_id, "e2");
    EXPECT_EQ(rejected(R"({"t" 1,"id":"e2"})").engagement_id, std::nullopt);
}
TEST(BrokenPage, APayloadIsTextThatPostgresTakes) {
    const ParsedPage parsed = page(page_of({record(1), std::string("{\"id\":\"e\0"
                                                                   "2\",\"t\" 1}",
                                                                   19)}));
    ASSERT_EQ(parsed.rejected.size(), 1u);
    EXPECT_EQ(parsed.rejected[0].payload.find('\0'), std::string::npos);
}
TEST(BrokenPage, ABrokenPayloadShowsNothingThatPrivacyHides) {
    EngagementParser parser(Privacy({PrivacyLevel::drop}, ""));
    std::string body =
        page_of({record(1), R"({"id":"e2","visitor_name":"Sasha" "t":1})", "Sasha", "\"Sasha\""});
    const auto parsed = parser.page(body);
    ASSERT_EQ(parsed.value->rejected.size(), 3u);
    for (const RejectedRecord& rejected : parsed.value->rejected)
        EXPECT_EQ((rejected.payload + rejected.reason).find("Sasha"), std::string::npos) << rejected.reason;
}

// ------------------------------------------------------------------------------------- envelopes

TEST(BrokenPage, APageWhoseListIsBlankIsEmpty) {
    for (const std::string body :
         {R"({"engagements":null,"next_page":null})", R"({"engagements":null})", R"({"next_page":null})"}) {
        EXPECT_TRUE(page(body).engagements.empty());
        EXPECT_EQ(page(body).next_page, std::nullopt);
    }
    EXPECT_EQ(page(R"({"engagements":null,"next_page":"https://x"})").next_page, "https://x");
    EXPECT_EQ(page(R"({"next_page":"https://x"})").next_page, "https://x");
    EXPECT_EQ(page("{\"engagements\":null,\"t\":\"\t\",\"next_page\":\"https://x\"}").next_page, "https://x");
    EXPECT_EQ(page(R"({"engagements":[],"next_page":""})").next_page, std::nullopt);
}
TEST(BrokenPage, AnotherShapeIsAFailureThatIsReported) {
    for (const std::string body :
         {"{}", "[]", "null", "7", R"({"error":"x"})", R"({"error":"x","next_page":null})",
          R"({"engagements":{}})", R"({"engagements":"x"})", R"({"engagements":[],"next_page":7})",
          R"({"engagements":[],"next_page":{}})", R"([{"error":"x"}])"}) {
        const auto parsed = parse(body);
        EXPECT_FALSE(parsed.value) << body;
        EXPECT_EQ(parsed.failure.kind, ParseFailure::Kind::wrong_shape) << body;
        EXPECT_FALSE(parsed.failure.reason.empty());
    }
    EXPECT_FALSE(parse("[" + record(1) + "]").value) << "a list does not say whether there is more";
    EXPECT_FALSE(parse("{\"engagements\":[{\"id\":\"e\t\"}],\"next_page\":7}").value);
}
TEST(BrokenPage, APageThatIsCutOffIsNeverTakenForAWholeOne) {
    for (const Link link : {Link::before, Link::behind}) {
        for (const std::string& broken :
             {record(2), kBroken[0], kBroken[2], kBroken[6], std::string("{\"id\":\"e\t\"}")}) {
            const std::string body = page_of({record(1), broken, record(3), record(4)}, link);
            for (std::size_t size = 0; size < body.size(); ++size)
                ASSERT_FALSE(parse(body.substr(0, size)).value) << body.substr(0, size);
        }
    }
}
TEST(BrokenPage, ALinkThatCannotBeReadIsNotTakenForNone) {
    const std::string before = "{\"engagements\":[" + record(1) + R"(,{"id":"e2","t":"abc}],"next_page")";
    EXPECT_FALSE(parse(before + "}").value);
    EXPECT_FALSE(parse(before + ":}").value);
    EXPECT_FALSE(parse(before + ":\"https://x}").value);
    EXPECT_EQ(page(before + ":\"https://x\",\"tags\":[1]}").next_page, "https://x");
}
TEST(BrokenPage, TextThatIsMadeToBeSearchedEndsSoon) {
    std::string body = "{\"engagements\":[";
    for (int i = 0; i < 200'000; ++i) body += "{\"";
    EXPECT_FALSE(parse(body).value);
    EXPECT_FALSE(parse(body + "]}").value);
    body = "{\"engagements\":[";
    for (int i = 0; i < 200'000; ++i) body += "[],{\"a\":\"";
    EXPECT_FALSE(parse(body).value);
}

// ---------------------------------------------------------------------------------------- others

TEST(BrokenPage, ADetailThatIsBrokenWithinIsARejectionAndOneThatIsCutOffIsAFailure) {
    EngagementParser parser;
    std::string body = record(1, ",\"t\":\"a\tb\"");
    EXPECT_EQ(parser.detail(body).value->engagement->id, "e1");
    body = R"({"id":"e1","created_at":"2017-07-07" "t":1})";
    const auto rejected = parser.detail(body).value->rejected;
    EXPECT_EQ(rejected->engagement_id, "e1");
    const std::string whole = record(1, ",\"t\":\"a\tb\"");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        body = whole.substr(0, size);
        EXPECT_FALSE(parser.detail(body).value) << body;
    }
}
TEST(BrokenPage, ABrokenMessageCostsItself) {
    const auto messages = [](std::string body) {
        auto parsed = parse_transcript(body, Privacy());
        EXPECT_TRUE(parsed.value) << parsed.failure.reason;
        return parsed.value.value_or(std::vector<ChatMessage>{});
    };
    auto read = messages("[{\"message\":\"a\tb\"},{\"message\":\"c\"}]");
    EXPECT_EQ(read.at(0).message, "a\tb");
    read = messages(R"([{"message":"a"},{"message":"b" "id":1},{"message":"c","x":01}])");
    ASSERT_EQ(read.size(), 3u);
    EXPECT_EQ(read[1].extra, R"({"value":"{\"message\":\"b\" \"id\":1}"})");
    EXPECT_EQ(read[2].message, "c");
    EXPECT_EQ(read[2].extra, R"({"x":"01"})");
    read = messages("[{\"message\":\"a\"},{\"x\":" + std::string(3000, '[') + std::string(3000, ']') + "}]");
    EXPECT_EQ(read.at(0).message, "a");
    EXPECT_TRUE(messages("null").empty());
}
TEST(BrokenPage, AMessageMemberInExtraGoesByThePrivacyOfItsField) {
    constexpr auto kKeep = PrivacyLevel::keep;
    constexpr auto kDrop = PrivacyLevel::drop;
    const auto extra = [](std::string body, PrivacyLevels levels) {
        return parse_transcript(body, Privacy(levels, "")).value->at(0).extra.value_or("none");
    };
    const std::string sent =
        R"([{"message":["my pass"],"created_at":"soon","mood":"bad","sender":{"type":"visitor","name":["Sasha"],"age":3}}])";
    EXPECT_EQ(extra(sent, {kKeep, kKeep, kKeep, kDrop, kKeep}),
              R"({"created_at":"soon","mood":"bad","sender":{"age":3,"name":["Sasha"]}})");
    EXPECT_EQ(extra(sent, {kDrop, kKeep, kKeep, kDrop, kKeep}),
              R"({"created_at":"soon","mood":"bad","sender":{"age":3}})");
    EXPECT_EQ(extra(sent, {kKeep, kKeep, kKeep, kKeep, kDrop}),
              R"({"created_at":"soon","message":["my pass"],"sender":{"name":["Sasha"]}})");
    EXPECT_EQ(extra(sent, {kDrop, kDrop, kDrop, kDrop, kDrop}), R"({"created_at":"soon"})");
    EXPECT_EQ(extra(R"(["my pass"])", {kKeep, kKeep, kKeep, kDrop, kKeep}), "none");
    EXPECT_EQ(extra(R"([{"message" "my pass"}])", {kKeep, kKeep, kKeep, kDrop, kKeep}), "none");
    EXPECT_EQ(extra(R"([{"sender":"Sasha"}])", {kDrop, kKeep, kKeep, kKeep, kKeep}), "none");
    EXPECT_EQ(
        extra(R"([{"sender":{"type":"operator","name":["Olga"]}}])", {kDrop, kKeep, kKeep, kKeep, kKeep}),
        R"({"sender":{"name":["Olga"]}})");
}

/// A record that has, before its other members, an object that looks like a record.
std::string record_with_parent(int number) {
    return R"({"id":"e)" + std::to_string(number) +
           R"(","created_at":"2017-07-07T13:47:21.150Z","engagement_type":"reactive",)"
           R"("parent":{"id":"n1","created_at":"2017-01-01"},"legs":[{"id":"l"}],)"
           R"("notes":[{"id":"n1","created_at":"2017-01-01"},{"id":"n2","created_at":"2017-01-01"}]})";
}
/// Calls `check` with each text that `text` becomes by changing, adding or removing one byte.
void with_each_byte_changed(const std::string& text, const std::function<void(const std::string&)>& check) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        check(std::string(text).erase(at, 1));
        for (const char byte : std::string_view("{}[]\",:\\\t\0 x0-", 14)) {
            check(std::string(text).insert(at, 1, byte));
            std::string changed = text;
            changed[at] = byte;
            check(changed);
        }
    }
}
/// Exception: if the brackets of the last record are not closed and the link is before the list, the page
/// seems cut off and is not read.
TEST(BrokenPage, OneByteOfOneRecordCostsNoOtherRecord) {
    int pages = 0, unreadable = 0;
    for (const auto& make : {std::function([](int number) { return record(number); }),
                             std::function([](int number) { return record_with_parent(number); })}) {
        for (const std::size_t victim : {0u, 1u, 2u}) {
            with_each_byte_changed(make(12), [&](const std::string& text) {
                std::vector<std::string> records{make(10), make(11)};
                records.insert(records.begin() + static_cast<std::ptrdiff_t>(victim), text);
                const Link link = ++pages % 2 ? Link::before : Link::behind;
                const auto parsed = parse(page_of(records, link));
                if (!parsed.value) {
                    ASSERT_TRUE(victim == 2 && link == Link::before) << parsed.failure.reason << "\n" << text;
                    ++unreadable;
                    return;
                }
                std::multiset<std::string> loaded;
                for (const Engagement& e : parsed.value->engagements) loaded.insert(e.id.str());
                ASSERT_TRUE(loaded.contains("e10") && loaded.contains("e11")) << text;
                ASSERT_FALSE(loaded.contains("n1") || loaded.contains("n2")) << text;
                // A stray word between three whole records is rejected besides.
                if (loaded.size() < 3) {
                    ASSERT_EQ(parsed.value->rejected.size(), 1u) << text;
                }
                ASSERT_GE(loaded.size() + parsed.value->rejected.size(), 3u) << text;
                ASSERT_EQ(parsed.value->next_page, kLink);
            });
        }
    }
    EXPECT_LT(unreadable, pages / 1000);
}
TEST(BrokenPage, APageWhoseRecordsAreAllBrokenIsRead) {
    constexpr std::size_t kRecords = 100;  // the most that the API sends
    const std::string text = ",\"t\":\"" + std::string(5000, 'x') + "\"";
    for (const std::string fault :
         {R"(,"t":1 "u":2)", R"(,"t":"say "hi" there")", R"(,"t":[]"u":1},{"id":"n2","created_at":"2017"}])",
          R"(,"t":{"a":1)", R"(,"t":1},"u":2)", R"(,"t":"abc)"}) {
        for (const std::size_t whole : {0u, 1u, 2u}) {  // whole records after each broken one
            std::vector<std::string> records;
            while (records.size() < kRecords) {
                const bool broken = records.size() % (whole + 1) == 0;
                records.push_back(record(static_cast<int>(records.size()), text + (broken ? fault : "")));
            }
            const ParsedPage parsed = page(page_of(records));
            EXPECT_EQ(parsed.engagements.size(), kRecords - (kRecords + whole) / (whole + 1))
                << fault << whole;
            EXPECT_FALSE(parsed.rejected.empty());
            if (whole > 0) {
                EXPECT_EQ(parsed.engagements.size() + parsed.rejected.size(), kRecords) << fault;
            }
        }
    }
}

}  // namespace
}  // namespace glia
