// The admin address: which hosts are allowed, which connection is closed for a new one, and what a reload
// changes.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <thread>

#include "daemon/admin/admin.hpp"
#include "daemon/admin/connection_places.hpp"
#include "daemon/admin/host_policy.hpp"
#include "daemon/admin/http_server.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

HostVerdict judge(const std::string& host, const std::vector<std::string>& allowed = {}) {
    return judge_host({host}, false, allowed);
}

TEST(HostPolicy, LoopbackNamesAndAddressesAreAnswered) {
    for (const char* host : {"localhost", "LocalHost", "localhost.", "localhost:9464", "localhost.:9464",
                             "localhost:", "127.0.0.1", "127.0.0.1:9464", "10.1.2.3", "192.0.2.1:80", "[::1]",
                             "[::1]:9464", "[2001:db8::1]:80", "[::ffff:127.0.0.1]"}) {
        EXPECT_EQ(judge(host), HostVerdict::allowed) << host;
    }
}
TEST(HostPolicy, OtherNamesAreRefused) {
    for (const char* host :
         {"evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.nip.io", "notlocalhost",
          "localhost..", "127.1", "0x7f.0.0.1", "2130706433", "xn--evil"}) {
        EXPECT_EQ(judge(host), HostVerdict::refused) << host;
    }
}
TEST(HostPolicy, AllowedNamesAreAnsweredWhateverTheirCasePortAndDot) {
    const std::vector<std::string> allowed{"Metrics.example.com", "glia-sync."};
    for (const char* host : {"metrics.example.com", "METRICS.EXAMPLE.COM:9464", "metrics.example.com.",
                             "glia-sync", "glia-sync:80"})
        EXPECT_EQ(judge(host, allowed), HostVerdict::allowed) << host;
    EXPECT_EQ(judge("other.example.com", allowed), HostVerdict::refused);
    EXPECT_EQ(judge("x.metrics.example.com", allowed), HostVerdict::refused);
}
TEST(HostPolicy, WhatIsNoHostIsMalformed) {
    for (const char* host :
         {"", ":", ":80", "localhost:x", "localhost:80:80", "::1", "[::1", "[::1]x", "[::1]80", "[evil]",
          "a b", "user@localhost", "localhost/", "localhost,evil", "\xff"})
        EXPECT_EQ(judge(host), HostVerdict::malformed) << host;
}
TEST(HostPolicy, ARequestHasOneHostButForHttp10) {
    EXPECT_EQ(judge_host({}, false, {}), HostVerdict::malformed);
    EXPECT_EQ(judge_host({}, true, {}), HostVerdict::allowed) << "an old health check";
    EXPECT_EQ(judge_host({"evil.example"}, true, {}), HostVerdict::refused);
    EXPECT_EQ(judge_host({"localhost", "localhost"}, false, {}), HostVerdict::malformed);
    EXPECT_EQ(judge_host({"localhost", "evil.example"}, true, {}), HostVerdict::malformed);
}

TEST(ConnectionPlaces, TheOldestThatIsIdleMakesRoomThenTheOldestThatReadsSlowly) {
    using Doing = PeerState::Doing;
    const std::chrono::steady_clock::time_point start{};
    const PeerState old_handler{Doing::handling, start};
    const PeerState old_writer{Doing::writing, start + 1s};
    const PeerState reader{Doing::reading, start + 3s};
    const PeerState older_reader{Doing::reading, start + 2s};
    EXPECT_EQ(connection_to_close({old_handler, old_writer, reader, older_reader}), 3U);
    EXPECT_EQ(connection_to_close({old_handler, {Doing::writing, start + 9s}, old_writer}), 2U);
    EXPECT_EQ(connection_to_close({old_handler, old_handler}), std::nullopt);
}

/// A connection to a port of this machine.
class Client {
  public:
    explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        const timeval limit{20, 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~Client() { close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(const std::string& text) const {
        EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void try_to_send(const std::string& text) const {
        if (::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) < 0) return;  // it is closed
    }
    /// Reads until the other side closes.
    std::string read_all() const {
        std::string all;
        char piece[4096];
        for (ssize_t size = 0; (size = read(socket_, piece, sizeof piece)) > 0;)
            all.append(piece, static_cast<std::size_t>(size));
        return all;
    }

  private:
    int socket_;
};

std::string get(const std::string& path, const std::string& more = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}
std::string last(const std::string& path) {
    return get(path, "Connection: close\r\n");
}

/// Serves with `handler` while `talk` runs on a thread of its own.
void serve(const HttpServer::Handler& handler, const std::function<void(int port)>& talk,
           std::chrono::milliseconds time_limit = 15s) {
    Runtime runtime;
    HttpServer server(runtime, handler, time_limit);
    server.listen({"127.0.0.1", 0});
    std::promise<void> over;
    std::thread thread([&] {
        talk(server.port());
        runtime.post([&] { over.set_value(); });
    });
    const auto main = [&]() -> Task<int> {
        auto done = over.get_future();
        AsyncCondition pause(runtime);
        while (done.wait_for(0s) != std::future_status::ready) co_await pause.wait_for(5ms);
        co_return 0;  // connections and their coroutines are left over
    };
    EXPECT_EQ(runtime.run(main, 60s), 0);
    thread.join();
}

Task<AdminResponse> echo(AdminRequest request) {
    if (request.path == "/throw") throw std::runtime_error("no answer");
    std::string hosts;
    for (const std::string& host : request.hosts) hosts += "[" + host + "]";
    co_return AdminResponse{200, "text/plain", request.path + (request.http_1_0 ? " 1.0 " : " 1.1 ") + hosts};
}

TEST(HttpServerTest, PassesPathVersionAndEveryHost) {
    serve(echo, [](int port) {
        const auto ask = [port](const std::string& request) {
            const Client client(port);
            client.send(request);
            return client.read_all();
        };
        EXPECT_TRUE(ask(last("/a?b")).ends_with("\r\n\r\n/a 1.1 [localhost]"));
        EXPECT_TRUE(ask("GET /a HTTP/1.0\r\n\r\n").ends_with("/a 1.0 "));
        EXPECT_TRUE(ask(get("/a", "Host: b\r\nConnection: close\r\n")).ends_with("/a 1.1 [localhost][b]"));
        EXPECT_TRUE(ask(get("/one") + last("/two")).ends_with("/two 1.1 [localhost]")) << "pipelined";
    });
}

TEST(HttpServerTest, ARequestThatCannotBeReadIsAnsweredSo) {
    serve(echo, [](int port) {
        const auto ask = [port](const std::string& request) {
            const Client client(port);
            client.send(request);
            return client.read_all();
        };
        EXPECT_TRUE(ask(get("/", "X: " + std::string(20'000, 'x') + "\r\n")).starts_with("HTTP/1.1 431 "));
        EXPECT_TRUE(ask("GET /\r\n\r\n").starts_with("HTTP/1.1 400 "));
        EXPECT_TRUE(ask(get("/", "Content-Length: 3\r\n") + "abc").starts_with("HTTP/1.1 400 "));
    });
}

TEST(HttpServerTest, AnAnswerThatCannotBeMadeCostsNothingElse) {
    serve(echo, [](int port) {
        const Client client(port);
        client.send(get("/throw") + last("/a"));
        const std::string responses = client.read_all();
        EXPECT_TRUE(responses.starts_with("HTTP/1.1 500 ")) << responses;
        EXPECT_TRUE(responses.ends_with("/a 1.1 [localhost]")) << responses;
    });
}

TEST(HttpServerTest, ACrowdOfSlowConnectionsLocksNobodyOut) {
    serve(echo, [](int port) {
        std::vector<std::unique_ptr<Client>> crowd;
        for (int i = 0; i < 100; ++i) {
            crowd.push_back(std::make_unique<Client>(port));
            crowd.back()->send("GET / HTTP/1.1\r\nHo");
        }
        const Client client(port);
        client.send(last("/a"));
        EXPECT_TRUE(client.read_all().ends_with("/a 1.1 [localhost]"));
        EXPECT_EQ(crowd.front()->read_all(), "") << "the oldest made room";
    });
}

TEST(HttpServerTest, WhoeverComesWhileAllWaitForAnswersWaitsForTheFirst) {
    constexpr int kMost = 32;
    const auto slow = [](AdminRequest request) -> Task<AdminResponse> {
        const auto executor = co_await boost::asio::this_coro::executor;
        boost::asio::steady_timer timer(executor, request.path == "/slow" ? 300ms : 0ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
        co_return AdminResponse{200, "text/plain", request.path};
    };
    serve(slow, [](int port) {
        std::vector<std::unique_ptr<Client>> crowd;
        for (int i = 0; i < kMost; ++i) {
            crowd.push_back(std::make_unique<Client>(port));
            crowd.back()->send(get("/slow") + get("/slow") + get("/slow"));
        }
        const Client client(port);
        client.send(last("/a"));
        const std::string response = client.read_all();
        EXPECT_TRUE(response.ends_with("\r\n\r\n/a")) << response;
    });
}

TEST(HttpServerTest, ARequestThatTricklesInIsCutOff) {
    const auto talk = [](int port) {
        const Client client(port);
        std::atomic<bool> cut = false;
        std::thread trickle([&] {
            client.try_to_send("GET / HTTP/1.1\r\nX: ");
            for (int i = 0; i < 2000 && !cut; ++i) {
                std::this_thread::sleep_for(10ms);  // a pause of the client, shorter than the time limit
                client.try_to_send("x");
            }
        });
        EXPECT_EQ(client.read_all(), "");
        cut = true;
        trickle.join();
    };
    const auto began = std::chrono::steady_clock::now();
    serve(echo, talk, 200ms);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(HttpServerTest, AnAnswerThatIsNotReadIsCutOff) {
    const auto large = [](AdminRequest) -> Task<AdminResponse> {
        co_return AdminResponse{200, "text/plain", std::string(64 << 20, 'x')};
    };
    const auto talk = [](int port) {
        const Client client(port);
        client.send(get("/"));
        std::this_thread::sleep_for(400ms);  // nothing is read for longer than the time limit
        EXPECT_LT(client.read_all().size(), std::size_t{64} << 20);
    };
    serve(large, talk, 200ms);
}

/// status() returns once `go_on` is set.
class SlowStatus final : public simulation::ModelDatabase {
  public:
    SlowStatus(std::atomic<bool>& called, std::shared_future<void> go_on,
               std::string text = "what the page shows on loopback")
        : called_(called), go_on_(std::move(go_on)), text_(std::move(text)) {}
    StatusReport status() override {
        called_ = true;
        go_on_.wait();
        StatusReport report;
        SiteStatus& site = report.sites.emplace_back();
        site.site_id = "s1";
        site.last_error = text_;
        return report;
    }
    std::vector<RunStatus> runs(std::int64_t) override { return {}; }
    History history(std::int64_t) override { return {}; }

  private:
    std::atomic<bool>& called_;
    std::shared_future<void> go_on_;
    std::string text_;
};

int free_port() {
    Runtime runtime;
    HttpServer server(runtime, nullptr);
    server.listen({"127.0.0.1", 0});
    return server.port();
}

/// Of an instance that sends nothing.
Settings offline_settings() {
    Settings settings;
    settings.api.base_url = "http://127.0.0.1:1";
    settings.api.auth.token_env = "HOME";
    settings.api.sites = {"s1"};
    return settings;
}

TEST(AdminTest, AReloadSwitchesThePageOffAndOnAndElsewhereWhileItIsAsked) {
    const int first = free_port();
    const int other = free_port();
    std::atomic<bool> called = false;
    std::promise<void> go_on;
    auto gone_on = go_on.get_future().share();
    Runtime runtime;
    Metrics metrics;
    Settings settings = offline_settings();
    const SinkFactory sinks = [&] { return std::make_unique<SlowStatus>(called, gone_on); };
    const auto instance = [&](std::optional<ListenAddress> listen) {
        settings.admin_listen = std::move(listen);
        return std::make_unique<Instance>(runtime, settings, sinks, 1, 0, metrics);
    };
    const auto on = instance(ListenAddress{"127.0.0.1", first});
    const auto off = instance(std::nullopt);
    const auto elsewhere = instance(ListenAddress{"127.0.0.1", other});
    Admin admin(runtime, metrics);
    const auto fetch = [](int port, const std::string& path) {
        return std::async(std::launch::async, [port, path] {
            const Client client(port);
            client.send(last(path));
            return client.read_all();
        });
    };
    const auto main = [&]() -> Task<int> {
        AsyncCondition pause(runtime);
        const auto arrive = [&](std::future<std::string>& response) -> Task<std::string> {
            while (response.wait_for(0s) != std::future_status::ready) co_await pause.wait_for(5ms);
            co_return response.get();
        };
        admin.show(*off, sinks);
        admin.show(*off, sinks);
        admin.show(*on, sinks);
        auto page = fetch(first, "/");
        while (!called) co_await pause.wait_for(5ms);
        admin.show(*off, sinks);  // the request waits for the database
        go_on.set_value();
        const std::string response = co_await arrive(page);
        EXPECT_NE(response.find("what the page shows on loopback"), std::string::npos) << response;
        for (const auto& [shown, port] : {std::pair{on.get(), first}, std::pair{elsewhere.get(), other},
                                          std::pair{on.get(), first}, std::pair{on.get(), first}}) {
            admin.show(*shown, sinks);
            auto health = fetch(port, "/healthz");
            const std::string alive = co_await arrive(health);
            EXPECT_TRUE(alive.ends_with("alive\n")) << alive;
        }
        admin.show(*off, sinks);
        admin.close();
        co_await admin.idle();
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, 30s), 0);
}

TEST(AdminTest, AReloadDuringAReadOfTheDatabaseShowsTheNewDatabase) {
    const int port = free_port();
    std::atomic<bool> called = false;
    std::promise<void> go_on;
    auto gone_on = go_on.get_future().share();
    Runtime runtime;
    Metrics metrics;
    Settings settings = offline_settings();
    settings.admin_listen = ListenAddress{"127.0.0.1", port};
    const auto sinks = [&](const char* text) -> SinkFactory {
        return [&called, &gone_on, text] { return std::make_unique<SlowStatus>(called, gone_on, text); };
    };
    Instance instance(runtime, settings, sinks("before"), 1, 0, metrics);
    Admin admin(runtime, metrics);
    const auto main = [&]() -> Task<int> {
        AsyncCondition pause(runtime);
        admin.show(instance, sinks("the database before the reload"));
        auto page = std::async(std::launch::async, [port] {
            const Client client(port);
            client.send(last("/"));
            return client.read_all();
        });
        while (!called) co_await pause.wait_for(5ms);
        admin.show(instance, sinks("the database after the reload"));
        go_on.set_value();
        while (page.wait_for(0s) != std::future_status::ready) co_await pause.wait_for(5ms);
        const std::string response = page.get();
        EXPECT_NE(response.find("the database after the reload"), std::string::npos) << response;
        EXPECT_EQ(response.find("the database before the reload"), std::string::npos) << response;
        admin.close();
        co_await admin.idle();
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, 30s), 0);
}

}  // namespace
}  // namespace glia
