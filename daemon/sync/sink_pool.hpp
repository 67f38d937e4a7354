// Runs calls on the sinks of the writer threads through a bounded queue. Retries while the database is
// unavailable.
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

/// Owns the writer threads, each with its own Sink. Calls come from the loop's thread and run on writer
/// threads.
class SinkPool {
  public:
    /// `retries`: how often a call is retried while the sink is unavailable, with backoff; 0 for the admin
    /// endpoints. Once `scope` is cancelled, calls are made but not retried.
    SinkPool(CancellationScope& scope, SinkFactory factory, int threads, int retries, Metrics& metrics);
    /// Waits for calls that a writer has begun; drops the others.
    ~SinkPool();

    /// Runs `work` on a writer thread. Throws SinkError after the last retry; retries only `unavailable`, and
    /// nothing once the scope is cancelled. Converts other exceptions of `work` to SinkError, except
    /// OutputLost and InvariantBroken. `work` must be idempotent: it may run again after a commit whose
    /// result was lost.
    ///
    /// `work` must be a named object, not a lambda in the co_await expression: GCC 12 destroys the captures
    /// of such a temporary twice (GCC bug 99576).
    template <typename Function>
    auto run(Function work) -> Task<std::invoke_result_t<Function, Sink&>> {
        using Value = std::invoke_result_t<Function, Sink&>;
        if constexpr (std::is_void_v<Value>) {
            std::function<void(Sink&)> call = [work](Sink& sink) { work(sink); };
            co_await run_call(std::move(call));
        } else {
            auto value = std::make_shared<std::optional<Value>>();
            std::function<void(Sink&)> call = [value, work](Sink& sink) { *value = work(sink); };
            co_await run_call(std::move(call));
            co_return std::move(**value);
        }
    }

    /// The longest time that a writer has been in one statement; 0 while none works. Longer than any
    /// statement's timeout means that the writer hangs.
    std::chrono::milliseconds longest_silence() const;
    /// Called by the sink when the calling writer thread begins a statement.
    static void mark_progress();

  private:
    Task<> run_call(std::function<void(Sink&)> work);
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
