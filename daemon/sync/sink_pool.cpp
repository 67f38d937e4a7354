#include "daemon/sync/sink_pool.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "daemon/api/retry_policy.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/thread_pool.hpp"
#include "sinks/invariant.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// Each coroutine waits for its call, so the queue is never longer than their number. This bound detects bugs.
constexpr std::size_t kLongestQueue = 4096;

// The heartbeat of an idle writer. A busy writer's heartbeat is the start of its statement in ms of the
// steady clock.
constexpr std::int64_t kAtRest = -1;
thread_local std::atomic<std::int64_t>* heartbeat = nullptr;

void beat() {
    *heartbeat = steady_now().count();
}

/// RAII: marks the calling writer thread as busy.
class AtWork {
  public:
    explicit AtWork(std::atomic<std::int64_t>& own) {
        heartbeat = &own;
        beat();
    }
    ~AtWork() { *heartbeat = kAtRest; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;
};

}  // namespace

struct SinkPool::Impl {
    Impl(CancellationScope& within, SinkFactory make, int writers, int tries, Metrics& shared_metrics)
        : scope(within),
          runtime(within.runtime()),
          factory(std::move(make)),
          retries(tries),
          metrics(shared_metrics),
          heartbeats(static_cast<std::size_t>(writers)),
          sinks(heartbeats.size()) {
        for (auto& own_heartbeat : heartbeats) own_heartbeat = kAtRest;
        thread_pool = std::make_unique<ThreadPool>(runtime, heartbeats.size());
    }

    CancellationScope& scope;
    Runtime& runtime;
    SinkFactory factory;
    int retries;
    Metrics& metrics;
    std::vector<std::atomic<std::int64_t>> heartbeats;  // one for each writer, see `heartbeat`
    std::vector<std::unique_ptr<Sink>> sinks;           // each used by one writer only
    std::unique_ptr<ThreadPool> thread_pool;

    void run_on_sink(std::size_t writer, const std::function<void(Sink&)>& work) {
        const AtWork at_work(heartbeats[writer]);
        try {
            if (!sinks[writer]) sinks[writer] = factory();
            work(*sinks[writer]);
        } catch (const SinkError&) {
            throw;
        } catch (const OutputLost&) {
            throw;
        } catch (const InvariantBroken&) {
            throw;
        } catch (const std::exception& error) {
            throw SinkError(SinkError::Kind::internal, error.what());
        }
    }
};

SinkPool::SinkPool(CancellationScope& scope, SinkFactory factory, int threads, int retries, Metrics& metrics)
    : impl_(std::make_shared<Impl>(scope, std::move(factory), threads, retries, metrics)) {}

SinkPool::~SinkPool() {
    impl_->thread_pool.reset();
    impl_->sinks.clear();
}

std::chrono::milliseconds SinkPool::longest_silence() const {
    std::chrono::milliseconds longest{0};
    for (const auto& own_heartbeat : impl_->heartbeats) {
        const std::int64_t at = own_heartbeat;
        if (at != kAtRest) longest = std::max(longest, std::chrono::milliseconds{steady_now().count() - at});
    }
    return longest;
}

void SinkPool::mark_progress() {
    if (heartbeat) beat();
}

Task<> SinkPool::run_call(std::function<void(Sink&)> work) {
    const std::shared_ptr<Impl> impl = impl_;
    const Backoff backoff{Milliseconds{250}, Milliseconds{10'000}};
    for (int attempt = 1;; ++attempt) {
        if (impl->thread_pool->waiting() >= kLongestQueue) {
            throw SinkError(SinkError::Kind::internal, "the queue to the sink is full");
        }
        std::string message;
        try {
            std::function<void(std::size_t)> run_on_writer = [at = impl.get(), work](std::size_t writer) {
                at->run_on_sink(writer, work);
            };
            co_await impl->thread_pool->run_on(std::move(run_on_writer));
            co_return;
        } catch (const SinkError& error) {
            const bool again = error.kind() == SinkError::Kind::unavailable && attempt <= impl->retries &&
                               !impl->scope.cancelled();
            if (!again) throw;
            message = error.what();
        }
        impl->metrics.database_retried();
        // Jitter of at most half of the pause: a restarting server needs some time.
        const Milliseconds wait = backoff.delay(attempt + 1, 0.5 + 0.5 * impl->runtime.random());
        log::warn(LogTopic::database, "sink not available, will be tried again",
                  {{"attempt", std::to_string(attempt) + "/" + std::to_string(impl->retries + 1)},
                   {"next", to_text(wait)},
                   {"error", message}});
        if (!co_await impl->scope.sleep(wait)) {
            throw SinkError(SinkError::Kind::unavailable, "stopped while waiting for the sink: " + message);
        }
    }
}

}  // namespace glia
