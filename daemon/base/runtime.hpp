// The event loop's frame: one thread, coroutines, sleeping that ends when the program is to stop.
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

/// What our coroutines return.
template <typename T = void>
using Task = boost::asio::awaitable<T>;

/// How the loop ended.
struct LoopEnd {
    int code = 0;                ///< what `main` returned; 75 if it did not end in time
    bool finished = false;       ///< `main` returned
    std::exception_ptr failure;  ///< what a coroutine or a handler threw; null: nothing
};

/// The steady clock, as the machines take it: its zero means nothing.
inline Milliseconds steady_now() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

/// Owns the loop and says when to stop. All of it belongs to the loop's thread, except post().
///
/// No coroutine outlives run(), however it ends. Those that are still suspended then are destroyed before
/// run() returns, in no particular order. So a coroutine may refer to whatever outlives run(); a destructor
/// of one of its locals must not touch the locals of another coroutine, unless they share ownership.
class Runtime {
  public:
    Runtime();
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    /// Runs until `main` has ended, or until `grace` after a stop, and returns what `main` returned (75 if it
    /// did not end in time). SIGTERM and SIGINT call stop(). Rethrows what `main`, a spawned coroutine or a
    /// handler throws. `on_end` is called once the loop has ended, before any coroutine is destroyed; it may
    /// leave the process. Destroying waits for a name lookup that is under way. Called once.
    int run(const std::function<Task<int>()>& main, Milliseconds grace,
            const std::function<void(const LoopEnd&)>& on_end = {});

    /// Starts a coroutine beside the others; join it by a Latch. What it throws ends run(), which rethrows
    /// it. After run() the task is dropped.
    void spawn(Task<> task);

    /// Asks everything to end: every Scope ends.
    void stop();
    bool stopping() const { return stopping_; }
    /// SIGHUP calls this.
    void on_reload(std::function<void()> callback) { reload_ = std::move(callback); }

    /// Runs `work` on the loop's thread, from any thread. After run() it never runs and is destroyed with the
    /// Runtime.
    void post(std::function<void()> work);

    /// In [0, 1), for jitter.
    double random();

    boost::asio::io_context& context();

  private:
    friend class Scope;
    struct Impl;
    void destroy_coroutines();

    std::unique_ptr<Impl> impl_;
    bool stopping_ = false;
    std::list<class Scope*> scopes_;
    std::function<void()> reload_;
};

/// Something to wait for: every wait() that began before notify() ends with it. Loop's thread only.
class Signal {
  public:
    explicit Signal(Runtime& runtime);
    ~Signal();
    Task<> wait();
    /// Ends after `limit` at the latest. Stopping does not end it: what is waited for is to come first.
    Task<> wait_for(Milliseconds limit);
    void notify();
    /// Only whoever has waited longest.
    void notify_one();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

/// A part of the program that ends by itself, or with the program: what serves one configuration ends when
/// the next one takes over. Ending cuts sleeps short and lets what is under way come to its next good place.
/// Loop's thread only; outlived by the Runtime.
class Scope {
  public:
    explicit Scope(Runtime& runtime);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    void end();
    bool ending() const { return ending_; }
    /// Runs once, when the scope ends, whether by itself or with the program.
    void on_end(std::function<void()> callback) { callbacks_.push_back(std::move(callback)); }
    /// Waits. False if it was cut short because the scope ends.
    Task<bool> sleep(Milliseconds duration);
    Runtime& runtime() const { return runtime_; }

  private:
    Runtime& runtime_;
    Signal ended_;
    bool ending_ = false;
    std::vector<std::function<void()>> callbacks_;
};

/// Counts coroutines that were started, and waits for all of them.
class Latch {
  public:
    explicit Latch(Runtime& runtime) : done_(runtime) {}
    void add() { ++count_; }
    void remove() {
        if (--count_ == 0) done_.notify();
    }
    int count() const { return count_; }
    Task<> wait();

  private:
    int count_ = 0;
    Signal done_;
};

/// One coroutine at a time.
class AsyncMutex {
  public:
    explicit AsyncMutex(Runtime& runtime) : freed_(runtime) {}
    Task<> lock();
    void unlock() {
        locked_ = false;
        freed_.notify_one();
    }

  private:
    bool locked_ = false;
    Signal freed_;
};

}  // namespace glia
