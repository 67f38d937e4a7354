// The decisions of the API layer: the server's clock, retries, the rate limit, what an error body says.
#include <gtest/gtest.h>

#include "daemon/api/handover.hpp"
#include "daemon/api/rate_limiter.hpp"
#include "daemon/api/retry_policy.hpp"
#include "daemon/api/server_clock.hpp"
#include "daemon/api/token_source.hpp"
#include "daemon/parse/error_text.hpp"
#include "daemon/parse/token_response.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

Instant at(const char* text) {
    return *parse_timestamp(text);
}
SteadyTime steady(std::chrono::milliseconds ms) {
    return SteadyTime{ms};
}

TEST(HandoverTest, AReloadKeepsWhatDependsOnNothingThatChanged) {
    const ApiSettings before;
    const auto changed = [&](auto change) {
        ApiSettings after;
        change(after);
        return handover_of(before, after);
    };
    const Handover all{true, true, true};
    EXPECT_EQ(changed([](ApiSettings& api) { api.sites = {"s2"}; }), all);
    EXPECT_EQ(changed([](ApiSettings& api) { api.max_in_flight = 2; }), all);
    EXPECT_EQ(changed([](ApiSettings& api) { api.base_url = "https://b"; }), (Handover{false, false, false}));
    EXPECT_EQ(changed([](ApiSettings& api) { api.rate_limit = 5; }), (Handover{false, true, true}));
    EXPECT_EQ(changed([](ApiSettings& api) { api.auth.api_key_id_file = "b"; }),
              (Handover{true, false, true}));
    const Handover new_connections{true, true, false};
    EXPECT_EQ(changed([](ApiSettings& api) { api.ca_file = "b"; }), new_connections);
    EXPECT_EQ(changed([](ApiSettings& api) { api.proxy = "http://b:1"; }), new_connections);
    EXPECT_EQ(changed([](ApiSettings& api) { api.connect_timeout = 1s; }), new_connections);
    EXPECT_EQ(changed([](ApiSettings& api) { api.request_timeout = 1s; }), new_connections);
}

TEST(ServerClockTest, TakesTheLocalClockUntilAResponseIsKnown) {
    const ServerClock clock(steady(0ms), at("2024-01-01T00:00:00Z"));
    EXPECT_EQ(clock.at(steady(1500ms)), at("2024-01-01T00:00:01.500Z"));
}
TEST(ServerClockTest, BelievesAGuessThatTheFirstResponseAllows) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00.400Z"));
    clock.observe(steady(100ms), steady(110ms), at("2024-01-01T12:00:00Z"));
    EXPECT_EQ(clock.at(steady(100ms)), at("2024-01-01T12:00:00.500Z"));
}
TEST(ServerClockTest, NeverRunsAheadOfTheServer) {
    ServerClock clock(steady(0ms), at("2024-01-01T11:59:40Z"));
    // The server's clock showed 12:00:00.900 when the response was made at 950 ms of ours; Date says
    // 12:00:00.
    clock.observe(steady(900ms), steady(1000ms), at("2024-01-01T12:00:00Z"));
    EXPECT_LE(clock.at(steady(950ms)), at("2024-01-01T12:00:00.900Z"));
}
TEST(ServerClockTest, LearnsFractionsFromManyResponses) {
    ServerClock clock(steady(0ms), at("2024-01-01T11:59:40Z"));
    // Real difference: server = steady + 12:00:00.300. Every 90 ms a response that takes 2 ms.
    for (int i = 0; i < 40; ++i) {
        const auto sent = steady(std::chrono::milliseconds(i * 90));
        const Instant made = at("2024-01-01T12:00:00.300Z") + std::chrono::milliseconds(i * 90 + 1);
        clock.observe(sent, sent + 2ms, std::chrono::floor<std::chrono::seconds>(made));
    }
    const Instant truth = at("2024-01-01T12:00:00.300Z") + 3600ms;
    EXPECT_LE(clock.at(steady(3600ms)), truth);
    EXPECT_GE(clock.at(steady(3600ms)), truth - 100ms);
}
TEST(ServerClockTest, WhatIsProvenDoesNotRestOnAGuess) {
    // The guess is 0.9 s ahead of what the response proves, and within what it allows.
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00.900Z"));
    clock.observe(steady(0ms), steady(10ms), at("2024-01-01T12:00:00Z"));
    EXPECT_EQ(clock.at(steady(0ms)), at("2024-01-01T12:00:00.900Z"));
    EXPECT_EQ(clock.lower_bound_at(steady(10ms)), at("2024-01-01T12:00:00Z"));
    clock.observe(steady(500ms), steady(500ms), at("2024-01-01T12:00:01Z"));
    EXPECT_EQ(clock.lower_bound_at(steady(1000ms)), at("2024-01-01T12:00:01.500Z"));
}
TEST(ServerClockTest, OfTwoRequestsTheLaterNeverGetsTheEarlierTime) {
    ServerClock clock(steady(0ms), at("2024-01-01T11:59:40Z"));
    clock.observe(steady(0ms), steady(900ms), at("2024-01-01T12:00:00Z"));
    const Instant first = clock.at(steady(0ms));
    clock.observe(steady(1000ms), steady(1001ms), at("2024-01-01T12:00:01Z"));
    EXPECT_GT(clock.at(steady(1ms)), first);
}
TEST(ServerClockTest, FollowsAServerThatIsSetBackByLessThanAMinute) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    clock.observe(steady(0ms), steady(1ms), at("2024-01-01T12:00:00Z"));
    EXPECT_EQ(clock.observe(steady(1000ms), steady(1001ms), at("2024-01-01T11:59:20Z")),
              ServerClock::Verdict::used);
    EXPECT_LT(clock.at(steady(1000ms)), at("2024-01-01T11:59:21Z"));
}

using Verdict = ServerClock::Verdict;

/// A response that takes 2 ms.
Verdict observe_response(ServerClock& clock, std::chrono::milliseconds sent, const char* date) {
    return clock.observe(steady(sent), steady(sent + 2ms), at(date));
}

TEST(ServerClockTest, ADateThatDepartsFromTheAnswersBeforeItIsNotUsed) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    ASSERT_EQ(observe_response(clock, 0ms, "2024-01-01T12:00:00Z"), Verdict::used);
    const Instant before = clock.at(steady(1000ms));
    for (const char* wrong :
         {"2024-01-02T12:00:01Z", "2023-12-31T12:00:01Z", "2024-01-01T12:01:03Z", "9999-12-31T23:59:59Z"}) {
        EXPECT_EQ(observe_response(clock, 1000ms, wrong), Verdict::ignored) << wrong;
        EXPECT_EQ(clock.at(steady(1000ms)), before) << wrong;
        EXPECT_LE(clock.lower_bound_at(steady(1000ms)), before) << wrong;
    }
}
TEST(ServerClockTest, TheFirstDateOfAllIsDoubtfulWhereTheLocalClockDisagrees) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    EXPECT_EQ(observe_response(clock, 0ms, "2024-01-02T12:00:00Z"), Verdict::doubtful);
    EXPECT_FALSE(clock.known());
    EXPECT_EQ(observe_response(clock, 1000ms, "2024-01-01T12:00:01Z"), Verdict::used);
    EXPECT_EQ(clock.at(steady(2000ms)), at("2024-01-01T12:00:02Z"));
}
TEST(ServerClockTest, ASteadyOffsetIsBelievedWithTheSecondAnswer) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    EXPECT_EQ(observe_response(clock, 0ms, "2023-06-01T00:00:00Z"), Verdict::doubtful);
    EXPECT_EQ(observe_response(clock, 1000ms, "2023-06-01T00:00:01Z"), Verdict::used);
    EXPECT_LE(clock.at(steady(2000ms)), at("2023-06-01T00:00:02Z"));
    EXPECT_GE(clock.at(steady(2000ms)), at("2023-06-01T00:00:01Z"));
}
TEST(ServerClockTest, ADateThatNoServerHasIsNeverUsed) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    for (const char* date : {"0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z",
                             "2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
        for (const auto sent : {0ms, 100ms, 200ms})
            EXPECT_EQ(observe_response(clock, sent, date), Verdict::ignored) << date;
    }
    EXPECT_EQ(clock.at(steady(0ms)), at("2024-01-01T12:00:00Z"));
    EXPECT_FALSE(clock.known());
}

TEST(ServerClockTest, WhatAnEarlierProgramFoundIsBelievedAtOnceAndSoIsTheLocalClock) {
    ServerClock offset(steady(0ms), at("2024-01-01T12:00:00Z"), 3h);
    EXPECT_EQ(observe_response(offset, 0ms, "2024-01-01T15:00:00Z"), Verdict::used);
    ServerClock corrected(steady(0ms), at("2024-01-01T12:00:00Z"), 3h);
    EXPECT_EQ(observe_response(corrected, 0ms, "2024-01-01T12:00:00Z"), Verdict::used);
    EXPECT_EQ(corrected.at(steady(1000ms)), at("2024-01-01T12:00:01Z"));
    ServerClock neither(steady(0ms), at("2024-01-01T12:00:00Z"), 3h);
    EXPECT_EQ(observe_response(neither, 0ms, "2024-01-02T12:00:00Z"), Verdict::doubtful);
}
TEST(ServerClockTest, FollowsAServerWhoseClockWasSetOnceAMinuteOfAnswersAgrees) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    ASSERT_EQ(observe_response(clock, 0ms, "2024-01-01T12:00:00Z"), Verdict::used);
    EXPECT_EQ(observe_response(clock, 1'000ms, "2024-01-01T10:00:01Z"), Verdict::ignored);
    EXPECT_EQ(observe_response(clock, 20'000ms, "2024-01-01T10:00:20Z"), Verdict::ignored);
    EXPECT_EQ(observe_response(clock, 40'000ms, "2024-01-01T10:00:40Z"), Verdict::ignored);
    EXPECT_EQ(observe_response(clock, 59'000ms, "2024-01-01T10:00:59Z"), Verdict::ignored);
    EXPECT_EQ(observe_response(clock, 60'000ms, "2024-01-01T10:01:00Z"), Verdict::ignored);
    EXPECT_EQ(observe_response(clock, 61'100ms, "2024-01-01T10:01:01Z"), Verdict::used);
    EXPECT_LT(clock.at(steady(62'000ms)), at("2024-01-01T10:01:03Z"));
}
TEST(ServerClockTest, OneServerOfManyWithAWrongClockIsNeverFollowed) {
    ServerClock clock(steady(0ms), at("2024-01-01T12:00:00Z"));
    ASSERT_EQ(observe_response(clock, 0ms, "2024-01-01T12:00:00Z"), Verdict::used);
    for (int minute = 1; minute < 60; ++minute) {
        const auto now = std::chrono::minutes{minute};
        const Instant right = at("2024-01-01T12:00:00Z") + now;
        for (int i = 0; i < 4; ++i)
            EXPECT_EQ(clock.observe(steady(now), steady(now), right + 24h), Verdict::ignored);
        EXPECT_EQ(clock.observe(steady(now), steady(now), right), Verdict::used);
    }
}

TEST(ClockNoticeTest, LogsOnceThatTheClocksDifferAndOnceThatTheyAgreeAgain) {
    using Step = ClockNotice::Step;
    ClockNotice notice;
    EXPECT_EQ(notice.on_offset(59s), Step::nothing);
    EXPECT_EQ(notice.on_offset(-2h), Step::differs);
    EXPECT_EQ(notice.on_offset(-2h - 30s), Step::nothing);
    EXPECT_EQ(notice.on_offset(2h), Step::differs);
    EXPECT_EQ(notice.on_offset(1s), Step::agrees_again);
    EXPECT_EQ(notice.on_offset(0s), Step::nothing);
}
TEST(WatermarkTest, NeverPassesThisMachinesClockByMoreThanAMinute) {
    const Instant machine = at("2024-01-01T12:00:00Z");
    EXPECT_EQ(latest_watermark(machine + 30s, machine), machine + 30s);
    EXPECT_EQ(latest_watermark(machine - 24h, machine), machine - 24h);
    EXPECT_EQ(latest_watermark(machine + 24h, machine), machine + 60s);
}

TEST(BackoffTest, DoublesUpToTheCapWithFullJitter) {
    const Backoff backoff{500ms, 30s};
    EXPECT_EQ(backoff.delay(1, 0.5), 250ms);
    EXPECT_EQ(backoff.delay(3, 0.5), 1000ms);
    EXPECT_EQ(backoff.delay(50, 0.999), 29'970ms);
    EXPECT_EQ(backoff.delay(5, 0.0), 0ms);
}
TEST(RetryAfterTest, ReadsSecondsAndDates) {
    const Instant now = at("2024-01-01T00:00:00Z");
    EXPECT_EQ(retry_after("7", now), 7000ms);
    EXPECT_EQ(retry_after(" 0 ", now), 0ms);
    EXPECT_EQ(retry_after("Mon, 01 Jan 2024 00:00:09 GMT", now), 9000ms);
    EXPECT_EQ(retry_after("Sun, 31 Dec 2023 23:00:00 GMT", now), 0ms);
}
TEST(RetryAfterTest, AnAbsurdlyLongOneIsCut) {
    const Instant now = at("2024-01-01T00:00:00Z");
    for (const char* text : {"86400", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"})
        EXPECT_EQ(retry_after(text, now), kLongestRetryAfter) << text;
}
TEST(RetryAfterTest, AnUnreadableOneCountsAsAbsent) {
    for (const char* text : {"", "soon", "-5", "1.5"})
        EXPECT_EQ(retry_after(text, Instant{}), std::nullopt) << text;
}
TEST(RateLimitPauseTest, ReadsUnixTimesOfEveryUnitAndSecondsFromNow) {
    const Instant now = at("2024-01-01T00:00:00Z");  // 1704067200
    for (const char* reset : {"1704067205", "1704067205000", "1704067205000000", "1704067205000000000", "5",
                              " 5 ", "1704067205.0"})
        EXPECT_EQ(rate_limit_pause("0", reset, now), 5000ms) << reset;
}
TEST(RateLimitPauseTest, NeverStallsForLong) {
    const Instant now = at("2024-01-01T00:00:00Z");
    EXPECT_EQ(rate_limit_pause("0", "1704070800", now), kLongestRetryAfter);
    EXPECT_EQ(rate_limit_pause("0", "3600", now), kLongestRetryAfter);
    for (const char* reset :
         {"", "soon", "-5", "0", "nan", "inf", "-inf", "1e300", "9223372036854775807", "1704067199",
          "1704067199000", "4102444800", "999999999", "5 s", "2024-01-01T00:00:05Z"})
        EXPECT_EQ(rate_limit_pause("0", reset, now), std::nullopt) << reset;
}
TEST(RateLimitPauseTest, OnlyWhereNothingIsLeft) {
    for (const char* left : {"", "1", "100", "-1", "nan", "inf", "none"})
        EXPECT_EQ(rate_limit_pause(left, "5", at("2024-01-01T00:00:00Z")), std::nullopt) << left;
}
TEST(RetryPolicyTest, OnlyPassingStatusesAreTriedAgain) {
    for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) EXPECT_TRUE(is_transient(status));
    for (const int status : {200, 301, 400, 401, 403, 404, 422}) EXPECT_FALSE(is_transient(status));
}

using Time = RateLimiter::Time;

int sent_within(RateLimiter& limiter, Time& now, std::chrono::milliseconds span) {
    int count = 0;
    for (const Time end = now + span; now < end;) {
        now = std::max(now, limiter.next(now));
        if (now >= end) break;
        limiter.sent(now);
        ++count;
    }
    return count;
}

TEST(RateLimiterTest, AFixedLimitIsReachedAndNeverExceeded) {
    RateLimiter limiter(20.0);
    Time now{1h};
    for (int second = 0; second < 5; ++second) EXPECT_EQ(sent_within(limiter, now, 1000ms), 20);
}
TEST(RateLimiterTest, UnusedTimeIsNotMadeUpFor) {
    RateLimiter limiter(20.0);
    Time now{1h};
    sent_within(limiter, now, 1000ms);
    now += 1h;
    EXPECT_LE(sent_within(limiter, now, 1000ms), 21);
}
TEST(RateLimiterTest, ZeroMeansNoLimit) {
    RateLimiter limiter(0.0);
    const Time now{1h};
    limiter.sent(now);
    EXPECT_EQ(limiter.next(now), now);
}
TEST(RateLimiterTest, ARefusalPausesEverybodyAndSlowsDownOnce) {
    RateLimiter limiter(std::nullopt);
    const Time now{1h};
    limiter.refused(now, 5s);
    const double slower = limiter.rate();
    limiter.refused(now + 10ms, 5s);
    EXPECT_GE(limiter.next(now), now + 5s);
    EXPECT_LT(slower, RateLimiter::kFirstAuto);
    EXPECT_DOUBLE_EQ(limiter.rate(), slower);
}
TEST(RateLimiterTest, ARateThatIsNotUsedDoesNotRise) {
    RateLimiter limiter(std::nullopt);
    Time now{1h};
    for (int i = 0; i < 100; ++i) {
        limiter.sent(now += 1s);
        limiter.accepted(now);
    }
    EXPECT_DOUBLE_EQ(limiter.rate(), RateLimiter::kFirstAuto);
}
TEST(RateLimiterTest, AutoNeverFallsSoLowThatItWouldNotNoticeARecovery) {
    RateLimiter limiter(std::nullopt);
    Time now{1h};
    for (int i = 0; i < 50; ++i) limiter.refused(now += 10s, std::nullopt);
    EXPECT_DOUBLE_EQ(limiter.rate(), RateLimiter::kLowestAuto);
}
TEST(RateLimiterTest, NothingLeftMeansWaitingForTheReset) {
    RateLimiter limiter(std::nullopt);
    const Time now{1h};
    limiter.remaining(now, 0, 3s);
    EXPECT_EQ(limiter.next(now), now + 3s);
}

TEST(ErrorText, ReadsEveryKnownShape) {
    EXPECT_EQ(error_text(R"({"error":"forbidden","debug_message":"no access"})"), "forbidden: no access");
    EXPECT_EQ(error_text(R"([{"message":"a"},{"message":"b"}])"), "a: b");
    EXPECT_EQ(
        error_text(
            R"({"status":"error","error":"validation_error","details":{"site_ids":["can't be blank"]}})"),
        "validation_error: site_ids can't be blank");
    EXPECT_EQ(error_text(R"({"error_msg":"404 Route Not Found"})"), "404 Route Not Found");
    EXPECT_EQ(error_text("<html><h1>502 Bad\nGateway</h1></html>"), "502 Bad Gateway");
    EXPECT_EQ(error_text(""), "");
    EXPECT_LE(error_text(std::string(5000, 'x')).size(), 300u);
}
TEST(OneLine, HoldsNothingThatATerminalWouldObey) {
    EXPECT_EQ(one_line("a\r\n\tb\x1b[2J\x7f c"), "a b [2J c");
    EXPECT_EQ(one_line("a\xc2\x9b"
                       "2J"),
              "a 2J");
    EXPECT_EQ(one_line("a\x9b"
                       "2J"),
              "a\xef\xbf\xbd"
              "2J");
    EXPECT_EQ(one_line("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(one_line("abcdef", 3), "abc");
}
TEST(TokenAnswerTest, ReadsBothKindsAndRefusesTheRest) {
    EXPECT_EQ(parse_token_response(R"({"token":"t","expires_in":60})")->expires_in, 60);
    EXPECT_EQ(parse_token_response(R"({"access_token":"a"})")->token, "a");
    EXPECT_EQ(parse_token_response(R"({"token":" t\r\n"})")->token, "t");
    for (const char* body :
         {"", "[]", "{}", R"({"token":7})", R"({"token":""})", R"({"token":" \n"})", R"({"token":"a b"})",
          R"({"token":"a\r\nX-Evil: 1"})", R"({"token":"a\u0000b"})", R"({"token":"\u00fc"})"})
        EXPECT_FALSE(parse_token_response(body)) << body;
}
TEST(TokenAnswerTest, ReadsLifetimesOfEveryShape) {
    const auto life = [](const std::string& text) {
        return parse_token_response("{\"token\":\"t\",\"expires_in\":" + text + "}")->expires_in;
    };
    EXPECT_EQ(life("3599.9"), 3599);
    EXPECT_EQ(life("\"3600\""), 3600);
    EXPECT_EQ(life("0.2"), 1);
    for (const char* text :
         {"31536000000", "1e300", "9223372036854775807", "18446744073709551615", "\"inf\""})
        EXPECT_EQ(life(text), kLongestLife) << text;
    for (const char* text : {"0", "-5", "null", "\"soon\"", "\"\"", "[]", "true", "\"nan\""})
        EXPECT_EQ(life(text), std::nullopt) << text;
}
TEST(TokenLifeTest, IsRenewedBeforeItEndsAndNeverAtOnce) {
    EXPECT_EQ(token_life(3600).renew_after, 55min);
    EXPECT_EQ(token_life(60).renew_after, 30s);
    EXPECT_EQ(token_life(1).renew_after, 500ms);
    EXPECT_EQ(token_life(std::nullopt).ends_after, 55min);
    for (const std::int64_t seconds :
         {std::int64_t{-1}, std::int64_t{0}, std::int64_t{31536000000}, std::int64_t{9223372036854775807}}) {
        const TokenLife life = token_life(seconds);
        EXPECT_GT(life.renew_after, 0ms) << seconds;
        EXPECT_GT(steady(0ms) + life.ends_after, steady(0ms)) << seconds;
    }
}
TEST(CleanSecret, IsTrimmedAndHoldsNothingThatEndsAHeader) {
    EXPECT_EQ(clean_secret(" \t\r\ntok-1.~+/=\r\n"), "tok-1.~+/=");
    for (const char* text : {"", " \r\n", "a b", "a\tb", "a\r\nX-Evil: 1", "a\nb",
                             "a\x01"
                             "b",
                             "a\x7f"
                             "b",
                             "\xc3\xbc", "\xef\xbb\xbftok"}) {
        EXPECT_FALSE(clean_secret(text)) << text;
    }
}

}  // namespace
}  // namespace glia
