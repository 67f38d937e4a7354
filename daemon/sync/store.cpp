#include "daemon/sync/store.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/api/retry_policy.hpp"
#include "daemon/ops/log.hpp"
#include "daemon/parse/timestamp.hpp"

namespace glia {
namespace {

// Each caller waits for its answer, so the queue is as long as there are coroutines; this bound is for
// mistakes.
constexpr std::size_t kLongestQueue = 4096;

// When a writer began what it is doing (ms of the steady clock), or that it has nothing to do.
constexpr std::int64_t kAtRest = -1;
thread_local std::atomic<std::int64_t>* mark = nullptr;

std::int64_t now_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void mark_now() {
    *mark = now_ms();
}

struct Call {
    std::function<void(Sink&)> work;
    std::exception_ptr failure;
    bool done = false;  // loop's thread only
    Signal answered;
    explicit Call(Runtime& runtime) : answered(runtime) {}
};

}  // namespace

struct Store::Impl {
    Impl(Scope& part, SinkFactory make, int writers, int tries, Metrics& measured)
        : scope(part),
          runtime(part.runtime()),
          factory(std::move(make)),
          retries(tries),
          metrics(measured),
          marks(static_cast<std::size_t>(writers)) {}

    Scope& scope;
    Runtime& runtime;
    SinkFactory factory;
    int retries;
    Metrics& metrics;
    std::vector<std::atomic<std::int64_t>> marks;  // one for each writer, see `mark`
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::shared_ptr<Call>> queue;
    bool closing = false;
    std::vector<std::thread> threads;

    void serve(std::atomic<std::int64_t>& own_mark) {
        std::unique_ptr<Sink> sink;
        mark = &own_mark;
        for (;;) {
            std::shared_ptr<Call> call;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [this] { return closing || !queue.empty(); });
                if (closing) return;
                call = std::move(queue.front());
                queue.pop_front();
            }
            try {
                mark_now();
                if (!sink) sink = factory();
                call->work(*sink);
            } catch (...) {
                call->failure = std::current_exception();
            }
            own_mark = kAtRest;
            // The last reference goes on the loop's thread: what the call holds belongs there.
            runtime.post([call = std::move(call)] {
                call->done = true;
                call->answered.notify();
            });
        }
    }
};

Store::Store(Scope& scope, SinkFactory factory, int threads, int retries, Metrics& metrics)
    : impl_(std::make_shared<Impl>(scope, std::move(factory), threads, retries, metrics)) {
    for (auto& own_mark : impl_->marks) {
        own_mark = kAtRest;
        impl_->threads.emplace_back([impl = impl_.get(), &own_mark] { impl->serve(own_mark); });
    }
}

Store::~Store() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
    }
    impl_->wake.notify_all();
    for (auto& thread : impl_->threads) thread.join();
}

std::chrono::milliseconds Store::longest_silence() const {
    std::chrono::milliseconds longest{0};
    for (const auto& own_mark : impl_->marks) {
        const std::int64_t at = own_mark;
        if (at != kAtRest) longest = std::max(longest, std::chrono::milliseconds{now_ms() - at});
    }
    return longest;
}

void Store::mark_progress() {
    if (mark) mark_now();
}

Task<> Store::run_erased(std::function<void(Sink&)> work) {
    const std::shared_ptr<Impl> impl = impl_;
    const Backoff backoff{Milliseconds{250}, Milliseconds{10'000}};
    for (int attempt = 1;; ++attempt) {
        auto call = std::make_shared<Call>(impl->runtime);
        call->work = work;
        {
            const std::lock_guard lock(impl->mutex);
            if (impl->queue.size() >= kLongestQueue) {
                throw SinkError(SinkError::Kind::internal, "the queue to the sink is full");
            }
            impl->queue.push_back(call);
        }
        impl->wake.notify_one();
        while (!call->done) co_await call->answered.wait();
        if (!call->failure) co_return;
        std::string message;
        try {
            std::rethrow_exception(call->failure);
        } catch (const SinkError& error) {
            const bool again = error.kind() == SinkError::Kind::unavailable && attempt <= impl->retries &&
                               !impl->scope.ending();
            if (!again) throw;
            message = error.what();
        }
        impl->metrics.database_retried();
        // At least half of the wait is kept: a server that restarts is not helped by being asked at once.
        const Milliseconds wait = backoff.delay(attempt + 1, 0.5 + 0.5 * impl->runtime.random());
        log::warn(LogTopic::database, "database not available, will be tried again",
                  {{"attempt", std::to_string(attempt) + "/" + std::to_string(impl->retries + 1)},
                   {"next", to_text(wait)},
                   {"error", message}});
        if (!co_await impl->scope.sleep(wait)) {
            throw SinkError(SinkError::Kind::unavailable,
                            "stopped while waiting for the database: " + message);
        }
    }
}

}  // namespace glia
