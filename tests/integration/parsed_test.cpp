// From a body to the tables: PostgreSQL takes whatever the parser lets through (DESIGN.md §3.5).
#include <gtest/gtest.h>

#include "daemon/parse/engagement_parser.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Parsed : public SinkTest {
  protected:
    CommitCounts load(std::string body, Instant when = kNoon) {
        EngagementParser parser;
        auto page = parser.page(body);
        EXPECT_TRUE(page.value) << page.failure.reason;
        Batch batch;
        for (Engagement& e : page.value->engagements)
            batch.engagements.push_back({std::move(e), RecordSource::detail, when, "", {}});
        for (RejectedRecord& rejected : page.value->rejected)
            batch.rejected.push_back({std::move(rejected), RecordSource::list, "s1"});
        return sink->commit(batch, std::nullopt);
    }
    static std::string record(const std::string& more, const std::string& id = "e1") {
        return "{\"id\":\"" + id + R"(","created_at":"2024-01-01T12:00:00Z")" + more + "}";
    }
    CommitCounts load_one(const std::string& more, Instant when = kNoon) {
        return load("{\"engagements\":[" + record(more) + "]}", when);
    }
};

TEST_F(Parsed, EveryKindOfDamageIsStoredOrRejected) {
    const std::string nul(1, '\0'),
        umlauts =
            "x\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3"
            "\xbc\xc3\xbc\xc3\xbc"
            "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
            "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc";
    const std::string deep = std::string(5000, '[') + std::string(5000, ']');
    std::string list;
    int number = 0;
    for (
        const std::string& more :
        {std::string(",\"t\":\"tab\there\x01\x7f\""), ",\"t\":\"nul" + nul + "\",\"k" + nul + "\":1",
         std::string(",\"visitor_name\":\"a\nb\\u0000\\ud800\""),
         std::string(R"(,"t":[01,NaN,-,1e999999,1e1000,1e-1000])"), ",\"t\":" + deep,
         ",\"t\":" + std::string(900, '9'), ",\"t\":" + std::string(1100, '9'),
         ",\"t\":\"" + std::string(1 << 20, 'x') + "\"", ",\"visitor_id\":\"" + std::string(5000, 'v') + "\"",
         std::string(
             R"(,"duration":9223372036854775807,"queue_wait_time":1e30,"legs":[{"id":"","ended_at":"0000-01-01","duration":-1}])"),
         std::string(R"( "t":1)"), std::string(",\"t\":\"open" + nul)})
        list += (list.empty() ? "" : ",") + record(more, "e" + std::to_string(number++));
    list += ",{\"id\":\"bad\",\"created_at\":\"" + umlauts + "\"},{\"id\":\"bad" + nul +
            "\",\"created_at\":\"2024-01-01\"},\"" + nul + "\"";
    load("\xef\xbb\xbf{\"engagements\":[" + list + "],\"next_page\":null}" + nul);
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "10");
    EXPECT_EQ(sql("SELECT extra->>'t' = E'tab\\there\\x01\\x7f' FROM engagements WHERE id = 'e0'"), "t");
    EXPECT_GE(std::stoi(sql("SELECT count(*) FROM rejected_records")), 2);  // adjacent ones may be one
}
TEST_F(Parsed, LegsThatTheirIdsDoNotDistinguishAreAllStoredAndStayTheSame) {
    const std::string legs =
        R"(,"legs":[{"id":"l","duration":1,"request_queues":[{"id":"q1"}]},{"id":"l","duration":2,"request_queues":[{"id":"q2"}]},)"
        R"({"id":"","duration":3},{"duration":4,"request_queues":[{"id":"q3"}]}])";
    load_one(legs);
    EXPECT_EQ(sql("SELECT string_agg(id || '=' || duration, ' ' ORDER BY position) FROM legs"),
              "l=1 l#2=2 #2=3 #3=4");
    EXPECT_EQ(sql("SELECT string_agg(leg_id || '=' || queue_id, ' ' ORDER BY queue_id) FROM leg_queues"),
              "l=q1 l#2=q2 #3=q3");
    EXPECT_EQ(sql("SELECT string_agg(extra->>'id', ' ' ORDER BY position) FROM legs"), "l ");
    EXPECT_EQ(load_one(legs, kNoon + Seconds{60}).unchanged, 1);
}
TEST_F(Parsed, AFieldThatIsSentRightlyLaterLeavesExtra) {
    load_one(R"(,"duration":"109","visitor_name":{"first":"Ann"},"queues":[1,{"id":"q1","name":"n"}])");
    EXPECT_EQ(sql("SELECT duration IS NULL AND visitor_name IS NULL, extra FROM engagements"),
              R"(t|{"queues": [1, {}], "duration": "109", "visitor_name": {"first": "Ann"}})");
    EXPECT_EQ(sql("SELECT count(*), count(queue_id) FROM engagement_queues"), "2|1");
    load_one(R"(,"duration":"110","visitor_name":"Ann")", kNoon + Seconds{1});
    EXPECT_EQ(sql("SELECT duration IS NULL, visitor_name, extra FROM engagements"),
              R"(t|Ann|{"duration": "110"})");
    load_one(R"(,"duration":110,"visitor_name":"Ann")", kNoon + Seconds{2});
    EXPECT_EQ(sql("SELECT duration, extra IS NULL FROM engagements"), "110|t");
}
TEST_F(Parsed, IdsThatAreSimilarAreEngagementsOfTheirOwn) {
    load("{\"engagements\":[" + record("", "e") + "," + record("", "e ") + "," + record("", " e") + "," +
         record("", "E") + "," + record("", "e\\t") + "," + record("", "e\t\t") + "]}");
    EXPECT_EQ(sql("SELECT count(*) FROM engagements"), "6");
}

}  // namespace
}  // namespace glia
