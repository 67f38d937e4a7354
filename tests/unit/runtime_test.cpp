// How the loop ends: what happens to its coroutines, and how a failure is reported.
#include "daemon/base/runtime.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "daemon/sync/backfill.hpp"
#include "daemon/sync/details.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

/// An API that never responds to a listing, and knows no engagement.
class SilentApi {
  public:
    SilentApi() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        listen(listener_, 64);
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~SilentApi() {
        over_ = true;
        thread_.join();
        close(listener_);
    }
    SilentApi(const SilentApi&) = delete;
    SilentApi& operator=(const SilentApi&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    int listings() const { return listings_; }

  private:
    void serve() {
        std::vector<pollfd> waited{{listener_, POLLIN, 0}};
        while (!over_) {
            poll(waited.data(), waited.size(), 10);
            for (std::size_t i = 1; i < waited.size(); ++i) {
                if (waited[i].revents != 0) respond(waited[i]);
            }
            if (waited.front().revents != 0)
                waited.push_back({accept(listener_, nullptr, nullptr), POLLIN, 0});
        }
        for (std::size_t i = 1; i < waited.size(); ++i) close(waited[i].fd);
    }
    void respond(pollfd& peer) {
        char request[4096];
        const ssize_t size = read(peer.fd, request, sizeof request);
        const std::string_view text(request, size > 0 ? static_cast<std::size_t>(size) : 0);
        static constexpr std::string_view kNotFound = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        if (text.empty()) {
            peer.events = 0;
        } else if (text.starts_with("GET /engagements?")) {
            ++listings_;
        } else if (write(peer.fd, kNotFound.data(), kNotFound.size()) < 0) {
            peer.events = 0;
        }
    }

    int listener_;
    int port_ = 0;
    std::atomic<int> listings_ = 0;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

/// Has one engagement in its detail queue, and blocks in commit() until `go_on` is set.
class BlockedSink final : public simulation::ModelDatabase {
  public:
    explicit BlockedSink(std::promise<void>& held, std::shared_future<void> go_on)
        : held_(held), go_on_(std::move(go_on)) {}
    std::vector<WorkJob> claim(const WorkClaim&) override {
        if (std::exchange(claimed_, true)) return {};
        return {{"e1", "", 0}};
    }
    CommitCounts commit(const Batch&, const std::optional<PassCheckpoint>&) override {
        if (!std::exchange(notified_, true)) held_.set_value();
        go_on_.wait();
        return {};
    }

  private:
    std::promise<void>& held_;
    std::shared_future<void> go_on_;
    bool claimed_ = false;
    bool notified_ = false;
};

Settings settings_for(const SilentApi& api) {
    Settings settings;
    settings.api.base_url = api.url();
    settings.api.auth.token_env = "HOME";
    settings.api.sites = {"s1"};
    settings.api.rate_limit = 0;
    return settings;
}

Task<> throw_something() {
    throw std::runtime_error("thrown in a coroutine that nobody waits for");
    co_return;
}

/// Sets a flag when the coroutine that owns it is destroyed.
struct DestructionFlag {
    explicit DestructionFlag(bool& set_at_end) : gone(set_at_end) {}
    DestructionFlag(const DestructionFlag&) = delete;
    DestructionFlag& operator=(const DestructionFlag&) = delete;
    ~DestructionFlag() { gone = true; }
    bool& gone;
};

Task<> sleep_for_ever(Runtime& runtime, bool& gone) {
    const DestructionFlag flag(gone);
    AsyncCondition never(runtime);
    co_await never.wait();
}

TEST(LoopEnd, NoCoroutineOutlivesAFailure) {
    Runtime runtime;
    bool gone = false;
    bool gone_when_reported = true;
    const auto report = [&](const LoopEnd& end) {
        EXPECT_TRUE(end.failure);
        EXPECT_FALSE(end.finished);
        gone_when_reported = gone;
    };
    const auto main = [&]() -> Task<int> {
        runtime.spawn(sleep_for_ever(runtime, gone));
        runtime.spawn(throw_something());
        AsyncCondition never(runtime);
        co_await never.wait();
        co_return 0;
    };
    EXPECT_THROW(runtime.run(main, 10s, report), std::runtime_error);
    EXPECT_TRUE(gone) << "the coroutine is destroyed before what it refers to";
    EXPECT_FALSE(gone_when_reported) << "the failure is reported first";
}

TEST(LoopEnd, NoCoroutineOutlivesTheMainOne) {
    Runtime runtime;
    bool gone = false;
    const auto main = [&]() -> Task<int> {
        runtime.spawn(sleep_for_ever(runtime, gone));
        AsyncCondition pause(runtime);
        co_await pause.wait_for(1ms);
        co_return 7;
    };
    EXPECT_EQ(runtime.run(main, 10s), 7);
    EXPECT_TRUE(gone);
}

TEST(LoopEnd, AHandlerThatThrowsIsAFailureToo) {
    Runtime runtime;
    bool gone = false;
    const auto main = [&]() -> Task<int> {
        runtime.spawn(sleep_for_ever(runtime, gone));
        runtime.post([] { throw std::runtime_error("thrown by a handler"); });
        AsyncCondition never(runtime);
        co_await never.wait();
        co_return 0;
    };
    EXPECT_THROW(runtime.run(main, 10s), std::runtime_error);
    EXPECT_TRUE(gone);
}

TEST(LoopEnd, TheFirstFailureCounts) {
    Runtime runtime;
    const auto main = [&]() -> Task<int> {
        runtime.post([] { throw std::runtime_error("first"); });
        runtime.post([] { throw std::runtime_error("second"); });
        AsyncCondition never(runtime);
        co_await never.wait();
        co_return 0;
    };
    try {
        runtime.run(main, 10s);
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "first");
    }
}

TEST(LoopEnd, ASignalMayBeNotifiedAfterItsWaitersAreGone) {
    Runtime runtime;
    AsyncCondition signal(runtime);
    const auto wait = [](AsyncCondition& on) -> Task<> { co_await on.wait(); };
    const auto main = [&]() -> Task<int> {
        runtime.spawn(wait(signal));
        AsyncCondition pause(runtime);
        co_await pause.wait_for(1ms);
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, 10s), 0);
    signal.notify();
    runtime.post([] { FAIL() << "nothing runs any more"; });
    runtime.spawn(wait(signal));
}

// If a set() were lost, the test would wait for an hour.
TEST(AsyncEvent, EndsTheWaitThatItInterruptsOrTheNextOne) {
    Runtime runtime;
    AsyncEvent event(runtime);
    const auto set_soon = [](Runtime& by, AsyncEvent& what) -> Task<> {
        AsyncCondition pause(by);
        co_await pause.wait_for(1ms);
        what.set();
    };
    const auto main = [&]() -> Task<int> {
        event.set();
        co_await event.wait_for(1h);
        runtime.spawn(set_soon(runtime, event));
        co_await event.wait_for(1h);
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, 10s), 0);
}

// Only AddressSanitizer shows a failure: when these coroutines are destroyed, their guards access the
// instance and objects that they share.
TEST(LoopEnd, AFailureHarmsNobodyWhoWaitsForTheApiOrTheDatabase) {
    const SilentApi api;
    std::promise<void> go_on;
    std::promise<void> held;
    auto is_held = held.get_future();
    auto gone_on = go_on.get_future().share();
    Runtime runtime;
    Metrics metrics;
    Instance instance(
        runtime, settings_for(api), [&] { return std::make_unique<BlockedSink>(held, gone_on); }, 1, 0,
        metrics);
    const auto backfill = [](Instance& by) -> Task<> {
        BackfillRequest request;
        request.spec.from = Instant{} + 1h;
        request.spec.to = request.spec.from + std::chrono::hours{24 * 10};
        request.spec.window = std::chrono::hours{24};
        request.spec.sites = {"s1"};
        co_await run_backfill(by, std::move(request), {});
    };
    const auto details = [](Instance& by) -> Task<> {
        Details drained(by);
        co_await drained.drain(false);
    };
    const auto commit = [](Instance& by) -> Task<> {
        auto batch = std::make_shared<Batch>();
        batch->engagements.emplace_back().engagement.id = "e2";
        PassCheckpoint checkpoint;
        checkpoint.target = WindowTarget{};
        co_await by.committer.commit(std::move(batch), checkpoint);
    };
    const auto main = [&]() -> Task<int> {
        AsyncCondition pause(runtime);
        runtime.spawn(backfill(instance));
        while (api.listings() < 2) co_await pause.wait_for(5ms);
        runtime.spawn(details(instance));
        while (is_held.wait_for(0s) != std::future_status::ready) co_await pause.wait_for(5ms);
        runtime.spawn(commit(instance));
        co_await pause.wait_for(50ms);
        runtime.spawn(throw_something());
        co_await pause.wait();
        co_return 0;
    };
    EXPECT_THROW(runtime.run(main, 10s), std::runtime_error);
    go_on.set_value();
}

TEST(StoreErrors, WhateverASinkThrowsIsASinkError) {
    Runtime runtime;
    CancellationScope scope(runtime);
    Metrics metrics;
    SinkPool sink_pool(scope, [] { return std::make_unique<simulation::ModelDatabase>(); }, 1, 0, metrics);
    const auto main = [&]() -> Task<int> {
        const auto odd = [](Sink&) { throw std::logic_error("a folder that cannot be read"); };
        std::string message;
        try {
            co_await sink_pool.run(odd);
        } catch (const SinkError& error) {
            message = error.what();
        }
        EXPECT_EQ(message, "a folder that cannot be read");
        const auto lost = [](Sink&) { throw OutputLost("standard output: Broken pipe"); };
        bool ends_the_program = false;
        try {
            co_await sink_pool.run(lost);
        } catch (const OutputLost&) {
            ends_the_program = true;
        }
        EXPECT_TRUE(ends_the_program);
        co_return 0;
    };
    EXPECT_EQ(runtime.run(main, 10s), 0);
}

}  // namespace
}  // namespace glia
