// A thread for what blocks and is not the database: files.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "daemon/ops/runtime.hpp"

namespace glia {

/// Does work on a thread of its own, in the order in which it comes. The loop's thread calls; every caller
/// waits for its answer, so that the queue is as long as there are coroutines.
class Worker {
  public:
    explicit Worker(Runtime& runtime);
    /// Waits for work that has begun.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs `work` on the thread; what it throws comes out here. `work` must be a named object, not a lambda
    /// in the co_await expression (GCC bug 99576).
    template <typename Work>
    auto run(Work work) -> Task<std::invoke_result_t<Work>> {
        auto answer = std::make_shared<std::optional<std::invoke_result_t<Work>>>();
        std::function<void()> erased = [answer, work] { *answer = work(); };
        co_await run_erased(std::move(erased));
        co_return std::move(**answer);
    }

  private:
    Task<> run_erased(std::function<void()> work);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
