#include "sinks/timestamp.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace glia {
namespace {

using namespace std::chrono_literals;

std::string read(std::string_view text) {
    const auto time = parse_timestamp(text);
    return time ? to_iso8601(*time) : "none";
}

std::string read_date(std::string_view text) {
    const auto time = parse_http_date(text);
    return time ? to_iso8601(*time) : "none";
}

TEST(Timestamp, ReadsWhatTheApiSends) {
    EXPECT_EQ(read("2017-07-07T13:47:21.150Z"), "2017-07-07T13:47:21.150Z");
}
TEST(Timestamp, TheUsualFormIsReadAsAnyOtherOfTheSameTime) {
    // The form with Z has a parser of its own, the form with an offset does not. Tests every value of every
    // byte.
    for (const std::string form : {"2017-07-07T13:47:21.150", "2024-02-29T23:59:59", "1900-12-31T00:00:00"}) {
        EXPECT_NE(read(form + "Z"), "none");
        for (std::size_t at = 0; at < form.size(); ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string text = form;
                text[at] = static_cast<char>(byte);
                EXPECT_EQ(read(text + "Z"), read(text + "+00:00")) << text;
            }
        }
    }
}
TEST(Timestamp, TheDayOfTheTimeBeforeIsTakenForNoOther) {
    for (const char* day : {"2024-02-28", "2024-02-29", "2024-02-28", "2023-02-28", "2024-03-28"})
        EXPECT_EQ(read(day + std::string("T12:00:00Z")), day + std::string("T12:00:00Z"));
    EXPECT_EQ(read("2023-02-29T12:00:00Z"), "none");
    EXPECT_EQ(read("2024-03-2xT12:00:00Z"), "none");
    // The parser remembers the last date. A new thread has none, which must not match a date of zero bytes.
    std::thread([] { EXPECT_EQ(read(std::string(10, '\0') + "T12:00:00Z"), "none"); }).join();
}
TEST(Timestamp, ReadsWithoutFraction) {
    EXPECT_EQ(read("2017-01-01T00:00:00Z"), "2017-01-01T00:00:00Z");
}
TEST(Timestamp, ReadsOffsetsInEveryForm) {
    EXPECT_EQ(read("2017-07-07T15:47:21+02:00"), "2017-07-07T13:47:21Z");
    EXPECT_EQ(read("2017-07-07T15:47:21+0200"), "2017-07-07T13:47:21Z");
    EXPECT_EQ(read("2017-07-07T08:17:21-05:30"), "2017-07-07T13:47:21Z");
    EXPECT_EQ(read("2017-07-07T15:47:21+02"), "2017-07-07T13:47:21Z");
}
TEST(Timestamp, TakesAMissingOffsetForUtc) {
    EXPECT_EQ(read("2017-07-07 13:47:21"), "2017-07-07T13:47:21Z");
}
TEST(Timestamp, CutsFractionsToMicroseconds) {
    EXPECT_EQ(read("2017-07-07T13:47:21.1234567Z"), "2017-07-07T13:47:21.123456Z");
}
TEST(Timestamp, ReadsABareDate) {
    EXPECT_EQ(read("2024-02-29"), "2024-02-29T00:00:00Z");
}
TEST(Timestamp, TurnsALeapSecondIntoTheNextOne) {
    EXPECT_EQ(read("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00Z");
}
TEST(Timestamp, RefusesWhatIsNoTime) {
    for (const char* text : {"", "not a date", "2023-02-29", "2017-13-01T00:00:00Z", "2017-01-01T25:00:00Z",
                             "2017-01-01T00:00:00Zx", "17-01-01", "2017-01-01T00:00:00.Z",
                             "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01"}) {
        EXPECT_EQ(read(text), "none") << text;
    }
}

TEST(HttpDate, ReadsAllThreeForms) {
    EXPECT_EQ(read_date("Sun, 06 Nov 1994 08:49:37 GMT"), "1994-11-06T08:49:37Z");
    EXPECT_EQ(read_date("Sunday, 06-Nov-94 08:49:37 GMT"), "1994-11-06T08:49:37Z");
    EXPECT_EQ(read_date("Sun Nov  6 08:49:37 1994"), "1994-11-06T08:49:37Z");
}
TEST(HttpDate, RefusesOtherTexts) {
    for (const char* text : {"", "1994-11-06", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT"})
        EXPECT_EQ(read_date(text), "none");
}

TEST(Duration, ReadsEveryUnit) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("24h"), 24h);
    EXPECT_EQ(parse_duration("14d"), 336h);
}
TEST(Duration, RefusesOtherTexts) {
    for (const char* text : {"", "5", "s", "-5s", "5 s", "5w", "1.5h", "99999999999d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}
TEST(Duration, IsWrittenInTheLargestUnitThatFits) {
    EXPECT_EQ(to_text(std::chrono::milliseconds{90'000}), "90s");
    EXPECT_EQ(to_text(std::chrono::milliseconds{86'400'000}), "1d");
    EXPECT_EQ(to_text(std::chrono::milliseconds{0}), "0ms");
}

}  // namespace
}  // namespace glia
