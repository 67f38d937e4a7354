#include "daemon/sync/store.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "daemon/api/retry_policy.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/workers.hpp"
#include "sinks/invariant.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// Each caller waits for its answer, so the queue is as long as there are coroutines; this bound is for
// mistakes.
constexpr std::size_t kLongestQueue = 4096;

// When a writer began what it is doing (ms of the steady clock), or that it has nothing to do.
constexpr std::int64_t kAtRest = -1;
thread_local std::atomic<std::int64_t>* mark = nullptr;

void mark_now() {
    *mark = steady_now().count();
}

/// While it lives, the calling writer thread is at work.
class AtWork {
  public:
    explicit AtWork(std::atomic<std::int64_t>& own) {
        mark = &own;
        mark_now();
    }
    ~AtWork() { *mark = kAtRest; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;
};

}  // namespace

struct Store::Impl {
    Impl(Scope& part, SinkFactory make, int writers, int tries, Metrics& measured)
        : scope(part),
          runtime(part.runtime()),
          factory(std::move(make)),
          retries(tries),
          metrics(measured),
          marks(static_cast<std::size_t>(writers)),
          sinks(marks.size()) {
        for (auto& own_mark : marks) own_mark = kAtRest;
        workers = std::make_unique<Workers>(runtime, marks.size());
    }

    Scope& scope;
    Runtime& runtime;
    SinkFactory factory;
    int retries;
    Metrics& metrics;
    std::vector<std::atomic<std::int64_t>> marks;  // one for each writer, see `mark`
    std::vector<std::unique_ptr<Sink>> sinks;      // each of its writer alone
    std::unique_ptr<Workers> workers;

    void perform(std::size_t writer, const std::function<void(Sink&)>& work) {
        const AtWork at_work(marks[writer]);
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

Store::Store(Scope& scope, SinkFactory factory, int threads, int retries, Metrics& metrics)
    : impl_(std::make_shared<Impl>(scope, std::move(factory), threads, retries, metrics)) {}

Store::~Store() {
    impl_->workers.reset();
    impl_->sinks.clear();
}

std::chrono::milliseconds Store::longest_silence() const {
    std::chrono::milliseconds longest{0};
    for (const auto& own_mark : impl_->marks) {
        const std::int64_t at = own_mark;
        if (at != kAtRest) longest = std::max(longest, std::chrono::milliseconds{steady_now().count() - at});
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
        if (impl->workers->waiting() >= kLongestQueue) {
            throw SinkError(SinkError::Kind::internal, "the queue to the sink is full");
        }
        std::string message;
        try {
            std::function<void(std::size_t)> perform = [at = impl.get(), work](std::size_t writer) {
                at->perform(writer, work);
            };
            co_await impl->workers->run_on(std::move(perform));
            co_return;
        } catch (const SinkError& error) {
            const bool again = error.kind() == SinkError::Kind::unavailable && attempt <= impl->retries &&
                               !impl->scope.ending();
            if (!again) throw;
            message = error.what();
        }
        impl->metrics.database_retried();
        // At least half of the wait is kept: a server that restarts is not helped by being asked at once.
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
