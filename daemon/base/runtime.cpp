#include "daemon/base/runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <mutex>
#include <random>
#include <utility>

namespace glia {

namespace asio = boost::asio;

namespace {

/// An io_context whose pending handlers can be destroyed before the io_context itself, because timers and
/// sockets elsewhere still refer to it.
class Loop : public asio::io_context {
  public:
    Loop() : io_context(1) {}
    /// Destroys every handler and thereby every suspended coroutine. No other thread may post meanwhile.
    void destroy_handlers() { shutdown(); }
};

}  // namespace

struct Runtime::Impl {
    Loop context;
    asio::signal_set ends{context, SIGTERM, SIGINT};
    asio::signal_set reloads{context, SIGHUP};
    std::exception_ptr failure;
    std::mt19937_64 generator{std::random_device{}()};
    std::mutex mutex;     // guards the members below: any thread may post
    bool closed = false;  // run() is over
    std::vector<std::function<void()>> posted_late;

    /// The first failure counts; the others follow from it.
    void fail(std::exception_ptr error) {
        if (!failure) failure = std::move(error);
        context.stop();
    }
};

Runtime::Runtime() : impl_(std::make_unique<Impl>()) {}
Runtime::~Runtime() {
    destroy_coroutines();
}

asio::io_context& Runtime::context() {
    return impl_->context;
}

void Runtime::destroy_coroutines() {
    {
        const std::lock_guard lock(impl_->mutex);
        if (std::exchange(impl_->closed, true)) return;
    }
    impl_->context.destroy_handlers();
}

int Runtime::run(const std::function<Task<int>()>& main, Milliseconds grace,
                 const std::function<void(const LoopEnd&)>& on_end) {
    static constexpr int kStoppedEarly = 75;
    int code = kStoppedEarly;
    bool ended = false;
    asio::steady_timer deadline(impl_->context);
    CancellationScope program(*this);
    program.on_cancel([&] {
        deadline.expires_after(grace);
        deadline.async_wait([&](const boost::system::error_code& error) {
            if (!error) impl_->context.stop();
        });
    });
    impl_->ends.async_wait([this](const boost::system::error_code& error, int) {
        if (!error) stop();
    });
    std::function<void()> await_reload = [&] {
        impl_->reloads.async_wait([&](const boost::system::error_code& error, int) {
            if (error) return;
            if (reload_) reload_();
            await_reload();
        });
    };
    await_reload();
    asio::co_spawn(impl_->context, main(), [&](std::exception_ptr error, int result) {
        if (error) return impl_->fail(error);
        code = result;
        ended = true;
        impl_->context.stop();
    });
    try {
        impl_->context.run();
    } catch (...) {  // thrown by a handler that is no coroutine
        impl_->fail(std::current_exception());
    }
    if (on_end) on_end({code, ended, impl_->failure});
    destroy_coroutines();
    if (impl_->failure) std::rethrow_exception(impl_->failure);
    return code;
}

void Runtime::spawn(Task<> task) {
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->closed) return;
    }
    asio::co_spawn(impl_->context, std::move(task), [this](std::exception_ptr error) {
        if (error) impl_->fail(error);  // no caller awaits it, so the error ends the program
    });
}

void Runtime::stop() {
    if (stopping_) return;
    stopping_ = true;
    for (CancellationScope* scope : scopes_) scope->cancel();
}

void Runtime::post(std::function<void()> work) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closed) {
        impl_->posted_late.push_back(std::move(work));
    } else {
        asio::post(impl_->context, std::move(work));
    }
}

double Runtime::random() {
    return std::uniform_real_distribution<double>(0, 1)(impl_->generator);
}

struct AsyncCondition::Impl {
    explicit Impl(Runtime& loop) : runtime(loop) {}
    Runtime& runtime;
    std::list<asio::steady_timer*> waiters;
};

AsyncCondition::AsyncCondition(Runtime& runtime) : impl_(std::make_shared<Impl>(runtime)) {}
AsyncCondition::~AsyncCondition() = default;

Task<> AsyncCondition::wait() {
    return wait_for(std::chrono::hours{24 * 365});
}

Task<> AsyncCondition::wait_for(Milliseconds limit) {
    const std::shared_ptr<Impl> impl = impl_;  // the AsyncCondition may be destroyed while a waiter wakes
    asio::steady_timer timer(impl->runtime.context(), limit);
    struct Place {  // RAII: the coroutine may be destroyed while it waits
        Place(Impl& signal, asio::steady_timer& waiter) : signal_(signal), waiter_(waiter) {
            signal_.waiters.push_back(&waiter_);
        }
        ~Place() { signal_.waiters.remove(&waiter_); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        Impl& signal_;
        asio::steady_timer& waiter_;
    };
    const Place place(*impl, timer);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

void AsyncCondition::notify() {
    for (asio::steady_timer* timer : impl_->waiters) timer->cancel();
    // Each wait is notified once, even if a second notify() comes before its coroutine runs.
    impl_->waiters.clear();
}

void AsyncCondition::notify_one() {
    if (impl_->waiters.empty()) return;
    impl_->waiters.front()->cancel();
    impl_->waiters.pop_front();
}

void AsyncEvent::set() {
    is_set_ = true;
    changed_.notify();
}

Task<> AsyncEvent::wait_for(Milliseconds limit) {
    if (!is_set_) co_await changed_.wait_for(limit);
    is_set_ = false;
}

CancellationScope::CancellationScope(Runtime& runtime)
    : runtime_(runtime), cancellation_(runtime), cancelled_(runtime.stopping()) {
    runtime_.scopes_.push_back(this);
}

CancellationScope::~CancellationScope() {
    runtime_.scopes_.remove(this);
}

void CancellationScope::cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    for (const auto& callback : callbacks_) callback();
    cancellation_.notify();
}

Task<bool> CancellationScope::sleep(Milliseconds duration) {
    if (cancelled_) co_return false;
    co_await cancellation_.wait_for(duration);
    co_return !cancelled_;
}

Task<> WaitGroup::wait() {
    while (count_ > 0) co_await done_.wait();
}

Task<> AsyncMutex::lock() {
    while (locked_) co_await freed_.wait();
    locked_ = true;
}

}  // namespace glia
