// Transcripts and small responses.
#include <gtest/gtest.h>

#include "daemon/parse/small_responses.hpp"
#include "daemon/parse/transcript.hpp"
#include "daemon/sync/enrichment.hpp"
#include "sinks/timestamp.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

/// Has one job, and records its outcome.
class OneJob final : public simulation::ModelDatabase {
  public:
    explicit OneJob(std::optional<WorkOutcome>& completed) : completed_(completed) {}
    std::vector<WorkJob> claim(const WorkClaim&) override {
        if (std::exchange(claimed_, true)) return {};
        return {{"e1", "u1", 0}};
    }
    ClaimResult complete(WorkKind, const WorkOutcome& outcome, const std::string&) override {
        completed_ = outcome;
        if (refuses_ && outcome.fetched_at) throw SinkError(SinkError::Kind::internal, "out of range");
        return ClaimResult::written;
    }
    void refuse() { refuses_ = true; }

  private:
    std::optional<WorkOutcome>& completed_;
    bool claimed_ = false;
    bool refuses_ = false;
};

/// One round of an enricher that has one job.
DrainResult one_round(std::optional<WorkOutcome>& completed, const WorkRunner::Fetch& fetch,
                      bool refused = false) {
    Runtime runtime;
    Metrics metrics;
    Settings settings;
    settings.api.base_url = "http://127.0.0.1:1";
    settings.api.auth.token_env = "HOME";
    const auto sink = [&] {
        auto one = std::make_unique<OneJob>(completed);
        if (refused) one->refuse();
        return one;
    };
    Instance instance(runtime, settings, sink, 1, 0, metrics);
    EnrichmentQueue queue(instance, WorkKind::recording, fetch);
    DrainResult result;
    const auto main = [&]() -> Task<int> {
        result = co_await queue.drain();
        co_await instance.background.wait();
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, std::chrono::seconds{10}), 0);
    return result;
}

TEST(Enrichment, WhatAFetchThrowsIsTheEnrichersFailureAndNobodyElses) {
    std::optional<WorkOutcome> completed;
    const DrainResult result = one_round(completed, [](WorkJob) -> Task<WorkResponse> {
        throw std::runtime_error("api.ca_file: /gone cannot be read as certificates");
        co_return NotReady{};
    });
    EXPECT_EQ(result.outcome.reason, ExitReason::unavailable);
    EXPECT_EQ(result.outcome.error, "recordings: api.ca_file: /gone cannot be read as certificates");
    ASSERT_TRUE(completed);
    EXPECT_EQ(completed->job.engagement_id, "e1");
    EXPECT_FALSE(completed->attempted) << "the failure is not of this recording";
}
TEST(Enrichment, WhatTheSinkRefusesIsAFailureOfItsJob) {
    std::optional<WorkOutcome> completed;
    const auto fetch = [](WorkJob) -> Task<WorkResponse> { co_return FetchedContent{Instant{}}; };
    const DrainResult result = one_round(completed, fetch, true);
    EXPECT_EQ(result.outcome.reason, ExitReason::done);
    EXPECT_EQ(result.fetched, 0);
    EXPECT_EQ(result.failed, 1);
    ASSERT_TRUE(completed);
    EXPECT_EQ(completed->error, "it cannot be written: out of range");
    EXPECT_TRUE(completed->attempted);
}

std::vector<ChatMessage> messages(std::string body) {
    auto parsed = parse_transcript(body, Privacy());
    EXPECT_TRUE(parsed.value) << parsed.failure.reason;
    return parsed.value.value_or(std::vector<ChatMessage>{});
}

TEST(Transcript, ReadsEveryMember) {
    const auto read = messages(
        R"([{"id":"m1","message":"Hi","created_at":"2024-01-01T12:00:00Z","type":"user","attachment":{"type":"files","b":1,"a":2},)"
        R"("metadata":{},"sender":{"type":"visitor","name":"Ann","href":"https://a/visitors/1"}}])");
    ChatMessage expected;
    expected.id = "m1";
    expected.message = "Hi";
    expected.created_at = parse_timestamp("2024-01-01T12:00:00Z");
    expected.type = "user";
    expected.attachment = R"({"a":2,"b":1,"type":"files"})";
    expected.metadata = "{}";
    expected.sender_type = "visitor";
    expected.sender_name = "Ann";
    expected.sender_href = "https://a/visitors/1";
    EXPECT_EQ(read, std::vector<ChatMessage>{expected});
}
TEST(Transcript, KeepsTheOrderAndNulls) {
    const auto read = messages(
        R"([{"message":"b","created_at":"2024-01-02T00:00:00Z"},{"message":null,"created_at":"2024-01-01T00:00:00Z"},{}])");
    ASSERT_EQ(read.size(), 3u);
    EXPECT_EQ(read[0].message, "b");
    EXPECT_EQ(read[1].message, std::nullopt);
    EXPECT_EQ(read[2], ChatMessage{});
    EXPECT_TRUE(messages("[]").empty());
}
TEST(Transcript, KeepsWhatItDoesNotUnderstand) {
    const auto read = messages(
        R"([{"mood":"good","message":7,"created_at":"soon","sender":{"type":"bot","age":3},"attachment":null},"just text",{"sender":"me"}])");
    ASSERT_EQ(read.size(), 3u);
    EXPECT_EQ(read[0].extra, R"({"created_at":"soon","message":7,"mood":"good","sender":{"age":3}})");
    EXPECT_EQ(read[0].sender_type, "bot");
    EXPECT_EQ(read[0].attachment, std::nullopt);
    EXPECT_EQ(read[1].extra, R"({"value":"just text"})");
    EXPECT_EQ(read[2].extra, R"({"sender":"me"})");
}
TEST(Transcript, RepairsWhatPostgresDoesNotTake) {
    const auto read = messages(R"([{"message":"a\u0000b\ud800c","metadata":{"x":"\u0000"}}])");
    EXPECT_EQ(read[0].message,
              "a\xef\xbf\xbd"
              "b\xef\xbf\xbd"
              "c");
    EXPECT_EQ(read[0].metadata, "{\"x\":\"\xef\xbf\xbd\"}");
    std::string deep = "[{\"metadata\":" + std::string(300, '[') + std::string(300, ']') + "}]";
    EXPECT_TRUE(messages(deep)[0].metadata->starts_with("\"[[["))
        << "too deep for jsonb, so it is kept as text";
}
TEST(Transcript, ANumberThatNoMachineTypeHoldsCostsOnlyItself) {
    for (const std::string number : {"1000000000000000000000000000000", "-9223372036854775809", "1e400"}) {
        const auto read =
            messages(R"([{"message":"first"},{"message":"hi","type":"user","n":)" + number +
                     R"(,"metadata":{"n":)" + number + R"(},"sender":{"type":"visitor","name":"Ann"}}])");
        ASSERT_EQ(read.size(), 2u);
        EXPECT_EQ(read[1].message, "hi") << number;
        EXPECT_EQ(read[1].type, "user");
        EXPECT_EQ(read[1].sender_name, "Ann");
        EXPECT_EQ(read[1].metadata, "{\"n\":\"" + number + "\"}");
        EXPECT_EQ(read[1].extra, "{\"n\":\"" + number + "\"}");
    }
}
TEST(Transcript, AMessageThatIsNoJsonIsKeptByTheStrictestLevelOfItsMembers) {
    PrivacyLevels levels;
    std::string body = R"([{"message":"hi","sender":{"type":"visitor" "name":"Ann"}}])";
    EXPECT_TRUE(parse_transcript(body, Privacy(levels, {})).value->at(0).extra);
    levels.visitor_name = PrivacyLevel::drop;
    EXPECT_EQ(parse_transcript(body, Privacy(levels, {})).value->at(0).extra, std::nullopt);
}
TEST(Transcript, AnotherShapeIsNoTranscript) {
    for (const char* body : {R"({"error":"no"})", "[{", "<html>", "", "7"}) {
        std::string text = body;
        EXPECT_FALSE(parse_transcript(text, Privacy()).value) << body;
    }
}
TEST(Answers, AreReadAsDocumented) {
    EXPECT_EQ(parse_end_response(R"({"id":"e","sub_engagement_id":"s"})")->sub_engagement_id, "s");
    EXPECT_EQ(parse_end_response(R"({"id":"e"})")->id, "e");
    EXPECT_FALSE(parse_end_response("{}"));
    EXPECT_EQ(parse_export_response(R"({"success":true})"), true);
    EXPECT_EQ(parse_export_response(R"({"success":"yes"})"), std::nullopt);
    EXPECT_EQ(*parse_wait_response(R"({"average_duration_in_seconds":122})"), 122);
    EXPECT_EQ(*parse_wait_response(R"({"average_duration_in_seconds":121.6})"), 122);
    EXPECT_EQ(*parse_wait_response(R"({"average_duration_in_seconds":null})"), std::nullopt);
    EXPECT_FALSE(parse_wait_response(R"({"average_duration_in_seconds":"2"})"));
    EXPECT_FALSE(parse_wait_response("[]"));
    EXPECT_EQ(parse_recording_response(R"({"url":"https://x/y"})"), "https://x/y");
    EXPECT_FALSE(parse_recording_response("ID3"));
}

}  // namespace
}  // namespace glia
