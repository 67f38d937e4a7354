// How connections are made: the order and pace of attempts, the choice of the proxy, and the pool over real
// sockets.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "daemon/api/connect_schedule.hpp"
#include "daemon/api/dialer.hpp"
#include "daemon/api/http.hpp"
#include "daemon/api/proxy_choice.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;
using Time = ConnectSchedule::Time;
using Start = ConnectSchedule::Start;
using Wait = ConnectSchedule::Wait;
using GiveUp = ConnectSchedule::GiveUp;
using Action = ConnectSchedule::Action;

// ------------------------------------------------------------------------------------------- the schedule

const Time kNow{1h};

TEST(InterleaveFamilies, TakesTurnsAndKeepsTheOrder) {
    EXPECT_EQ(interleave_families({}), std::vector<std::size_t>{});
    EXPECT_EQ(interleave_families({true, true, true, false, false}),
              (std::vector<std::size_t>{0, 3, 1, 4, 2}));
    EXPECT_EQ(interleave_families({false, false, true}), (std::vector<std::size_t>{0, 2, 1}));
}
TEST(ConnectScheduleTest, ASilentAddressIsNotWaitedForAlone) {
    ConnectSchedule schedule(2, kNow, kNow + 10s);
    EXPECT_EQ(schedule.next(kNow), Action(Start{0}));
    EXPECT_EQ(schedule.next(kNow), Action(Wait{kNow + 250ms}));
    EXPECT_EQ(schedule.next(kNow + 250ms), Action(Start{1}));
    EXPECT_EQ(schedule.next(kNow + 250ms), Action(Wait{kNow + 10s}));
    EXPECT_EQ(schedule.next(kNow + 10s), Action(GiveUp{true}));
}
TEST(ConnectScheduleTest, AFailureStartsTheNextAtOnce) {
    ConnectSchedule schedule(3, kNow, kNow + 10s);
    EXPECT_EQ(schedule.next(kNow), Action(Start{0}));
    schedule.on_failure();
    EXPECT_EQ(schedule.next(kNow + 1ms), Action(Start{1}));
    EXPECT_EQ(schedule.next(kNow + 251ms), Action(Start{2}));
    schedule.on_failure();
    EXPECT_EQ(schedule.next(kNow + 252ms), Action(Wait{kNow + 10s}));
    schedule.on_failure();
    EXPECT_EQ(schedule.next(kNow + 253ms), Action(GiveUp{false}));
}
TEST(ConnectScheduleTest, TheLastAddressHasHalfOfALittleTime) {
    ConnectSchedule schedule(4, kNow, kNow + 400ms);
    EXPECT_EQ(schedule.next(kNow), Action(Start{0}));
    for (std::size_t attempt = 1; attempt < 4; ++attempt)
        EXPECT_EQ(schedule.next(kNow + attempt * 50ms), Action(Start{attempt}));
}
TEST(ConnectScheduleTest, WithoutAnAddressThereIsNothingToWaitFor) {
    EXPECT_EQ(ConnectSchedule(0, kNow, kNow + 10s).next(kNow), Action(GiveUp{false}));
}

// ---------------------------------------------------------------------------------------------- the proxy

std::map<std::string, std::string> variables;
std::optional<std::string> from_variables(const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
}

/// The proxy's host, "" for none, or the error.
std::string chosen(std::map<std::string, std::string> environment, bool elsewhere = false,
                   std::string base_url = "https://api.example", std::string proxy = "") {
    variables = std::move(environment);
    ApiSettings api;
    api.base_url = std::move(base_url);
    api.proxy = std::move(proxy);
    try {
        const ProxyChoice choice = choose_proxy(api, elsewhere, from_variables);
        return choice.proxy ? choice.proxy->host : "";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST(ProxyChoiceTest, IsReadAsCurlReadsIt) {
    EXPECT_EQ(chosen({}), "");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}, {"ALL_PROXY", "http://two:2"}}), "one");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}, {"https_proxy", "http://two:2"}}), "two");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", ""}, {"https_proxy", ""}, {"all_proxy", "two:2"}}), "two");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}}, false, "http://127.0.0.1:80"), "");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}}, false, "https://api.example", "http://three:3"),
              "three");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}, {"NO_PROXY", "api.example"}}, false), "");
    EXPECT_EQ(chosen({{"HTTPS_PROXY", "http://one:1"}, {"NO_PROXY", "api.example"}}, true), "one");
}
TEST(ProxyChoiceTest, AKindThatIsNotSpokenIsNeverPassedOver) {
    for (const char* value : {"socks5://me:secret@one:1", "socks4://one", "https://me:secret@one:1",
                              "secret garbage", "://", "http://"}) {
        for (const char* name : {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}) {
            const std::string error = chosen({{name, value}});
            EXPECT_NE(error.find(name), std::string::npos) << value << error;
            EXPECT_NE(error.find("NO_PROXY"), std::string::npos) << error;
            EXPECT_EQ(error.find("secret"), std::string::npos) << error;
        }
        EXPECT_NE(chosen({}, false, "https://api.example", value).find("api.proxy names no proxy"),
                  std::string::npos)
            << value;
    }
}
TEST(ProxyChoiceTest, WhatNoRequestWouldUseIsNotRead) {
    EXPECT_EQ(chosen({{"ALL_PROXY", "socks5://one"}, {"NO_PROXY", "api.example"}}), "");
    EXPECT_EQ(chosen({{"ALL_PROXY", "socks5://one"}, {"NO_PROXY", "*"}}, true), "");
    EXPECT_NE(chosen({{"ALL_PROXY", "socks5://one"}, {"NO_PROXY", "api.example"}}, true), "");
    EXPECT_EQ(chosen({{"ALL_PROXY", "socks5://one"}}, false, "http://127.0.0.1:80"), "");
}

// -------------------------------------------------------------------------------------------- real sockets

/// A TCP socket that listens on loopback.
class Listener {
  public:
    explicit Listener(int backlog = 16) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        if (bind(socket_, reinterpret_cast<sockaddr*>(&address_), size) != 0 ||
            listen(socket_, backlog) != 0 ||
            getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size) != 0)
            std::abort();
    }
    ~Listener() {
        for (const int each : fill_) ::close(each);
        ::close(socket_);
    }
    std::uint16_t port() const { return ntohs(address_.sin_port); }
    SocketAddress address() const { return {"127.0.0.1", port()}; }
    int accept() { return ::accept(socket_, nullptr, nullptr); }
    /// Fills the backlog: further attempts to connect get no answer at all.
    void become_a_black_hole() {
        for (int i = 0; i < 4; ++i) {
            fill_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            connect(fill_.back(), reinterpret_cast<sockaddr*>(&address_), sizeof address_);
        }
    }

  private:
    int socket_;
    sockaddr_in address_{};
    std::vector<int> fill_;
};

SocketAddress closed_port() {
    return Listener().address();  // gone before anybody connects
}

/// Dials, and returns the port that was reached, or the error.
std::string dialed(std::vector<SocketAddress> addresses, std::chrono::milliseconds limit) {
    Runtime runtime;
    std::string result;
    runtime.run(
        [&]() -> Task<int> {
            Dialer dialer(runtime);
            const auto outcome = co_await dialer.dial_addresses(addresses, "api.example:443",
                                                                std::chrono::steady_clock::now() + limit);
            if (const auto* failure = std::get_if<HttpFailure>(&outcome)) {
                result = failure->message;
                co_return 0;
            }
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            const int descriptor = std::get<DialedSocket>(outcome).descriptor;
            getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size);
            ::close(descriptor);
            result = std::to_string(ntohs(peer.sin_port));
            co_return 0;
        },
        1000ms);
    return result;
}

TEST(DialerTest, ABlackHoleFallsBackToTheNextAddressInTime) {
    Listener black_hole(0), live;
    black_hole.become_a_black_hole();
    EXPECT_EQ(dialed({black_hole.address(), live.address()}, 10s), std::to_string(live.port()));
    EXPECT_EQ(dialed({black_hole.address(), black_hole.address(), black_hole.address(), live.address()}, 2s),
              std::to_string(live.port()));
}
TEST(DialerTest, ARefusalFallsBackAndTheLastOneIsReported) {
    Listener live;
    EXPECT_EQ(dialed({closed_port(), {"::1", 1}, live.address()}, 10s), std::to_string(live.port()));
    EXPECT_EQ(dialed({closed_port(), closed_port()}, 10s),
              "connecting to api.example:443 failed: Connection refused");
}
TEST(DialerTest, AllAddressesShareOneDeadline) {
    Listener black_hole(0);
    black_hole.become_a_black_hole();
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(dialed({black_hole.address(), black_hole.address(), black_hole.address()}, 300ms),
              "timed out while connecting to api.example:443");
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}
TEST(DialerTest, ACancelEndsTheWait) {
    Listener black_hole(0);
    black_hole.become_a_black_hole();
    Runtime runtime;
    Dialer dialer(runtime);
    const std::vector<SocketAddress> addresses{black_hole.address()};
    const auto main = [&]() -> Task<int> {
        runtime.post([&] { dialer.cancel(); });
        const auto outcome =
            co_await dialer.dial_addresses(addresses, "h:1", std::chrono::steady_clock::now() + 1h);
        EXPECT_EQ(std::get<HttpFailure>(outcome).kind, HttpFailure::Kind::cancelled);
        co_return 0;
    };
    runtime.run(main, 1000ms);
}

/// Responds to one connection's requests with `{}`, until the client closes it.
class OneConnection {
  public:
    OneConnection() : thread_([this] { serve(); }) {}
    ~OneConnection() { thread_.join(); }
    Url url() const { return *parse_url("http://127.0.0.1:" + std::to_string(listener_.port()) + "/x"); }
    bool closed() const { return closed_; }

  private:
    void serve() {
        const int client = listener_.accept();
        const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        char bytes[4096];
        while (recv(client, bytes, sizeof bytes, 0) > 0) {
            if (send(client, response.data(), response.size(), MSG_NOSIGNAL) < 0) break;
        }
        closed_ = true;
        ::close(client);
    }
    Listener listener_;
    std::atomic<bool> closed_{false};
    std::thread thread_;
};

TEST(HttpClientTest, IdleConnectionsAreClosedWithoutAnotherRequest) {
    OneConnection server;
    Runtime runtime;
    HttpSettings settings;
    settings.idle_limit = 100ms;
    HttpClient client(runtime, settings);
    const auto main = [&]() -> Task<int> {
        HttpRequest request;
        request.url = server.url();
        const auto outcome = co_await client.send(request);
        EXPECT_TRUE(std::holds_alternative<HttpResponse>(outcome));
        EXPECT_FALSE(server.closed());
        CancellationScope scope(runtime);
        for (int i = 0; i < 1000 && !server.closed(); ++i) co_await scope.sleep(10ms);
        EXPECT_TRUE(server.closed());
        client.cancel();
        co_return 0;
    };
    runtime.run(main, 1000ms);
}
TEST(HttpClientTest, AHeaderWithALineEndIsNeverSent) {
    Runtime runtime;
    HttpClient client(runtime, {});
    const auto main = [&]() -> Task<int> {
        HttpRequest request;
        request.url = *parse_url("http://127.0.0.1:1/");
        request.headers.emplace_back("If-Range", "secret\r\nX-Evil: 1");
        const auto outcome = co_await client.send(request);
        EXPECT_EQ(std::get<HttpFailure>(outcome).kind, HttpFailure::Kind::unsendable);
        EXPECT_EQ(std::get<HttpFailure>(outcome).message.find("secret"), std::string::npos);
        co_return 0;
    };
    runtime.run(main, 1000ms);
}

}  // namespace
}  // namespace glia
