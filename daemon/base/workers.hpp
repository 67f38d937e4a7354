// Threads for what blocks: the database, and files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "daemon/base/runtime.hpp"

namespace glia {

/// Does work on threads of its own, begun in the order in which it comes; no more of them than there is work
/// at a time, so that the others may never need what they would open. The loop's thread calls; every caller
/// waits for its answer, so that the queue is as long as there are coroutines.
class Workers {
  public:
    Workers(Runtime& runtime, std::size_t threads);
    /// Waits for work that has begun; the rest is dropped, and whoever waits for it is never answered.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Runs `work` on a thread; what it throws comes out here. `work` must be a named object, not a lambda in
    /// the co_await expression (GCC bug 99576).
    template <typename Work>
    auto run(Work work) -> Task<std::invoke_result_t<Work>> {
        auto answer = std::make_shared<std::optional<std::invoke_result_t<Work>>>();
        std::function<void(std::size_t)> erased = [answer, work](std::size_t) { *answer = work(); };
        co_await run_on(std::move(erased));
        co_return std::move(**answer);
    }
    /// The same; `work` is told the number of its thread, from 0.
    Task<> run_on(std::function<void(std::size_t thread)> work);
    /// Calls that no thread has begun.
    std::size_t waiting() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
