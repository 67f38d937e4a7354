// ResponseReader: responses that arrive in pieces of any size.
#include "daemon/api/response_reader.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

using State = ResponseReader::State;
using Problem = ResponseReader::Problem;

/// Everything that was read from one response, and the bytes that were left.
struct Read {
    State state;
    int status = 0;
    std::string body;
    std::string rest;
    bool keep_alive = false;
    Problem problem = Problem::not_http;
};

/// Feeds `bytes` in pieces of `step` bytes, as a connection would bring them.
Read read(std::string bytes, std::size_t step, bool closed = false) {
    ResponseReader reader(1000);
    Read result{};
    std::string waiting;
    while (reader.state() == State::head || reader.state() == State::body) {
        const std::size_t used = reader.feed(waiting);
        waiting.erase(0, used);
        if (used > 0) continue;
        if (bytes.empty()) {
            if (closed) reader.end();
            break;
        }
        waiting += bytes.substr(0, step);
        bytes.erase(0, step);
    }
    result.state = reader.state();
    result.problem = reader.problem();
    if (result.state == State::done) {
        result.status = reader.status();
        result.body = reader.take_body();
        result.keep_alive = reader.keep_alive();
    }
    result.rest = waiting + bytes;
    return result;
}

const std::string kFinal = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(ResponseReaderTest, SkipsInterimAnswersHoweverTheyAreCut) {
    for (const std::string interim :
         {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nLink: </y>\r\n\r\n", "HTTP/1.1 199 \r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"}) {
        for (std::size_t step = 1; step <= interim.size() + kFinal.size(); ++step) {
            const Read response = read(interim + kFinal, step);
            EXPECT_EQ(response.state, State::done) << interim << step;
            EXPECT_EQ(response.status, 200);
            EXPECT_EQ(response.body, "ok");
            EXPECT_EQ(response.rest, "");
            EXPECT_TRUE(response.keep_alive);
        }
    }
}
TEST(ResponseReaderTest, AnInterimAnswerAloneIsNoAnswer) {
    EXPECT_EQ(read("HTTP/1.1 103 Early Hints\r\n\r\n", 99).state, State::head);
    EXPECT_EQ(read("HTTP/1.1 103 Early Hints\r\n\r\n", 99, true).problem, Problem::cut);
}
TEST(ResponseReaderTest, InterimAnswersComeBeforeAnyStatus) {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
    EXPECT_EQ(read(hints + "HTTP/1.1 204 No Content\r\n\r\n", 7).status, 204);
    EXPECT_EQ(read(hints + "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 7).status, 401);
}
TEST(ResponseReaderTest, RefusesASwitchOfProtocolsAndInterimAnswersWithoutAnEnd) {
    EXPECT_EQ(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 99).problem,
              Problem::switched);
    std::string run;
    for (int i = 0; i < 1000; ++i) run += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_EQ(read(run + kFinal, 4096).problem, Problem::too_long);
}
TEST(ResponseReaderTest, LeavesWhatComesBehindTheAnswer) {
    EXPECT_EQ(read(kFinal + "HTTP/1.1 200 OK", 4096).rest, "HTTP/1.1 200 OK");
    EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n{}", 4096).rest, "{}");
}
TEST(ResponseReaderTest, AConnectionIsKeptOnlyWhereTheEndIsCertain) {
    EXPECT_TRUE(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 3).keep_alive);
    EXPECT_TRUE(read("HTTP/1.1 204 No Content\r\n\r\n", 99).keep_alive);
    EXPECT_TRUE(
        read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 99).keep_alive);
    for (const char* closing : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                                "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n\r\nok",
                                "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                                "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                                "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"}) {
        const Read response = read(closing, 99, true);
        EXPECT_EQ(response.state, State::done) << closing;
        EXPECT_FALSE(response.keep_alive) << closing;
    }
}
TEST(ResponseReaderTest, RefusesLengthsThatContradictEachOther) {
    for (const char* text :
         {"Content-Length: 2\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 2", "Content-Length: 2\r\nContent-Length: 3",
          "Content-Length: 2, 3", "Content-Length: -1"}) {
        const Read response = read("HTTP/1.1 200 OK\r\n" + std::string(text) + "\r\n\r\nok", 99);
        EXPECT_EQ(response.state, State::failed) << text;
        EXPECT_EQ(response.problem, Problem::not_http) << text;
    }
}
TEST(ResponseReaderTest, ABodyThatIsCutIsNoBody) {
    for (const char* text :
         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "HTTP/1.1 200 OK\r\nCon", ""}) {
        EXPECT_EQ(read(text, 5, true).problem, Problem::cut) << text;
    }
}
TEST(ResponseReaderTest, LimitsHeadAndBody) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 99).problem, Problem::too_long);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'), 99).problem, Problem::too_long);
    EXPECT_EQ(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'), 99)
            .problem,
        Problem::too_long);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), 4096).problem, Problem::too_long);
}
TEST(ResponseReaderTest, ABodyIsLimitedAlsoOnceItsHeadIsKnown) {
    for (const char* head : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
        ResponseReader reader(std::nullopt);
        reader.feed(head);
        ASSERT_EQ(reader.state(), State::body);
        reader.limit_body(5);
        reader.feed("123456789");
        EXPECT_EQ(reader.problem(), Problem::too_long) << head;
    }
}
TEST(ResponseReaderTest, ABodyIsTakenPieceByPiece) {
    ResponseReader reader(std::nullopt);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    EXPECT_EQ(reader.feed(head + "abc"), head.size());
    EXPECT_EQ(reader.feed("abc"), 3u);
    EXPECT_EQ(reader.take_body(), "abc");
    reader.feed("def");
    EXPECT_EQ(reader.take_body(), "def");
    EXPECT_EQ(reader.state(), State::body);
}
TEST(ResponseReaderTest, ATunnelBeginsBehindTheHead) {
    ResponseReader reader(std::nullopt, ResponseReader::Kind::tunnel);
    const std::string head =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n";
    EXPECT_EQ(reader.feed(head + "tls"), head.size());
    EXPECT_EQ(reader.state(), State::done);
    EXPECT_EQ(reader.status(), 200);
}

}  // namespace
}  // namespace glia
