// The sink, as the event loop sees it: writer threads behind a bounded queue, retries while the database is
// away.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// Owns the writer threads; each has a Sink of its own. The loop's thread calls, writer threads work.
class Store {
  public:
    /// `retries`: how often a call is made again while the sink is unavailable, with backoff; 0 for `check`
    /// and the like. When `scope` ends, calls are still made, but none a second time.
    Store(Scope& scope, SinkFactory factory, int threads, int retries, Metrics& metrics);
    /// Waits for calls that a writer has begun; the others are dropped.
    ~Store();

    /// Runs `work` on a writer thread. Throws SinkError once retries are used up, or as soon as the scope
    /// ends; whatever else `work` throws becomes one, except OutputLost and InvariantBroken. `work` may run
    /// more than once, and it may have been done although the answer was lost: it must be repeatable.
    ///
    /// `work` must be a named object, not a lambda in the co_await expression: GCC 12 destroys the captures
    /// of such a temporary twice (GCC bug 99576).
    template <typename Work>
    auto run(Work work) -> Task<std::invoke_result_t<Work, Sink&>> {
        using Answer = std::invoke_result_t<Work, Sink&>;
        if constexpr (std::is_void_v<Answer>) {
            std::function<void(Sink&)> erased = [work](Sink& sink) { work(sink); };
            co_await run_erased(std::move(erased));
        } else {
            auto answer = std::make_shared<std::optional<Answer>>();
            std::function<void(Sink&)> erased = [answer, work](Sink& sink) { *answer = work(sink); };
            co_await run_erased(std::move(erased));
            co_return std::move(**answer);
        }
    }

    /// For how long the writer that has been silent longest has been at one statement; 0 while none works.
    /// Longer than any statement may take means that it will not come back.
    std::chrono::milliseconds longest_silence() const;
    /// For the sink: the calling writer thread begins another statement.
    static void mark_progress();

  private:
    Task<> run_erased(std::function<void(Sink&)> work);
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
