// The event loop: one thread, coroutines, and sleeps that end when the program stops.
// By hand: Boost.Asio 1.81 has no condition variable, mutex or wait group for coroutines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "sinks/durations.hpp"

namespace glia {

/// The return type of this program's coroutines.
template <typename T = void>
using Task = boost::asio::awaitable<T>;

/// How the loop ended.
struct LoopEnd {
    int code = 0;                ///< what `main` returned; 75 if it did not end in time
    bool finished = false;       ///< `main` returned
    std::exception_ptr failure;  ///< what a coroutine or a handler threw; null: nothing
};

/// The steady clock's time, as the state machines take it. Its epoch is arbitrary.
inline Milliseconds steady_now() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

/// Owns the loop and signals when to stop. Only post() may be called from other threads.
///
/// No coroutine outlives run(), however it ends. Those that are still suspended then are destroyed before
/// run() returns, in no particular order. So a coroutine may refer to objects that outlive run(); a
/// destructor of one of its locals must not touch the locals of another coroutine, unless they share
/// ownership.
class Runtime {
  public:
    Runtime();
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    /// Runs until `main` has ended, or until `grace` after a stop, and returns what `main` returned (75 if it
    /// did not end in time). SIGTERM and SIGINT call stop(). Rethrows what `main`, a spawned coroutine or a
    /// handler throws. Calls `on_end` after the loop has ended, before any coroutine is destroyed; `on_end`
    /// may exit the process. The destructor waits for a name lookup under way. Call run() once only.
    int run(const std::function<Task<int>()>& main, Milliseconds grace,
            const std::function<void(const LoopEnd&)>& on_end = {});

    /// Starts a concurrent coroutine; use a WaitGroup to join it. An exception from it ends run(), which
    /// rethrows it. After run() has returned, spawn() drops the task.
    void spawn(Task<> task);

    /// Cancels every CancellationScope.
    void stop();
    bool stopping() const { return stopping_; }
    /// Sets what SIGHUP calls.
    void on_reload(std::function<void()> callback) { reload_ = std::move(callback); }

    /// Runs `work` on the loop's thread. Any thread may call it. Work posted after run() has returned never
    /// runs; the Runtime destroys it.
    void post(std::function<void()> work);

    /// In [0, 1), for jitter.
    double random();

    boost::asio::io_context& context();

  private:
    friend class CancellationScope;
    struct Impl;
    void destroy_coroutines();

    std::unique_ptr<Impl> impl_;
    bool stopping_ = false;
    std::list<class CancellationScope*> scopes_;
    std::function<void()> reload_;
};

/// A condition variable for coroutines: notify() ends every wait() that began before it. Loop's thread only.
class AsyncCondition {
  public:
    explicit AsyncCondition(Runtime& runtime);
    ~AsyncCondition();
    Task<> wait();
    /// Waits at most `limit`. Runtime::stop() does not end the wait, so that work under way can finish.
    Task<> wait_for(Milliseconds limit);
    void notify();
    /// Wakes only the coroutine that has waited longest.
    void notify_one();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// An event for one coroutine. A set() while it does not wait is not lost: its next wait ends at once. Loop's
/// thread only.
class AsyncEvent {
  public:
    explicit AsyncEvent(Runtime& runtime) : changed_(runtime) {}
    void set();
    void reset() { is_set_ = false; }
    /// Waits until the event is set, but at most `limit`. Resets the event.
    Task<> wait_for(Milliseconds limit);

  private:
    AsyncCondition changed_;
    bool is_set_ = false;
};

/// A part of the program that can be cancelled alone, and is cancelled with the program. A reload, for
/// example, cancels what runs with the old configuration. Cancelling ends sleeps early; running work
/// continues until it next checks cancelled(). Loop's thread only. The Runtime must outlive it.
class CancellationScope {
  public:
    explicit CancellationScope(Runtime& runtime);
    ~CancellationScope();
    CancellationScope(const CancellationScope&) = delete;
    CancellationScope& operator=(const CancellationScope&) = delete;

    void cancel();
    bool cancelled() const { return cancelled_; }
    /// Registers a callback that runs once, when the scope is cancelled.
    void on_cancel(std::function<void()> callback) { callbacks_.push_back(std::move(callback)); }
    /// Sleeps. Returns false if the scope was cancelled before `duration` had passed.
    Task<bool> sleep(Milliseconds duration);
    Runtime& runtime() const { return runtime_; }

  private:
    Runtime& runtime_;
    AsyncCondition cancellation_;
    bool cancelled_ = false;
    std::vector<std::function<void()>> callbacks_;
};

/// Counts coroutines that were started, and waits for all of them.
class WaitGroup {
  public:
    explicit WaitGroup(Runtime& runtime) : done_(runtime) {}
    void add() { ++count_; }
    void remove() {
        if (--count_ == 0) done_.notify();
    }
    int count() const { return count_; }
    Task<> wait();

  private:
    int count_ = 0;
    AsyncCondition done_;
};

/// A mutex for coroutines.
class AsyncMutex {
  public:
    explicit AsyncMutex(Runtime& runtime) : freed_(runtime) {}
    bool is_locked() const { return locked_; }
    Task<> lock();
    void unlock() {
        locked_ = false;
        freed_.notify_one();
    }

  private:
    bool locked_ = false;
    AsyncCondition freed_;
};

}  // namespace glia
