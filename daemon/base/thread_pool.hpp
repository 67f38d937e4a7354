// Threads for blocking calls: the database and files.
// By hand: asio::thread_pool does not report which of its threads runs a call, and each sink belongs to one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "daemon/base/runtime.hpp"

namespace glia {

/// Runs blocking calls on its own threads, in the order of the calls. Reuses idle threads, so that a thread
/// that is never needed opens no connection. Loop's thread only. Each coroutine waits for its call, so the
/// queue is never longer than the number of coroutines.
class ThreadPool {
  public:
    ThreadPool(Runtime& runtime, std::size_t threads);
    /// Waits for calls that have begun and drops the others; the coroutines that wait for those never resume.
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    /// Runs `work` on a thread and rethrows what it throws. `work` must be a named object, not a lambda in
    /// the co_await expression (GCC bug 99576).
    template <typename Function>
    auto run(Function work) -> Task<std::invoke_result_t<Function>> {
        auto result = std::make_shared<std::optional<std::invoke_result_t<Function>>>();
        std::function<void(std::size_t)> call = [result, work](std::size_t) { *result = work(); };
        co_await run_on(std::move(call));
        co_return std::move(**result);
    }
    /// The same; `work` gets the number of its thread, from 0.
    Task<> run_on(std::function<void(std::size_t thread)> work);
    /// Calls that no thread has begun.
    std::size_t waiting() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
