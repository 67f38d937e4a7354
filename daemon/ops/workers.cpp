#include "daemon/ops/workers.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace glia {
namespace {

struct Call {
    explicit Call(Runtime& runtime) : answered(runtime) {}
    std::function<void(std::size_t)> work;
    std::exception_ptr failure;
    bool done = false;  // loop's thread only
    Signal answered;
};

}  // namespace

struct Workers::Impl {
    explicit Impl(Runtime& loop) : runtime(loop) {}

    void serve(std::size_t thread) {
        for (;;) {
            std::shared_ptr<Call> call;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [this] { return closing || !queue.empty(); });
                if (closing) return;
                call = std::move(queue.front());
                queue.pop_front();
            }
            try {
                call->work(thread);
            } catch (...) {
                call->failure = std::current_exception();
            }
            // The last reference goes on the loop's thread: what the call holds belongs there.
            runtime.post([call = std::move(call)] {
                call->done = true;
                call->answered.notify();
            });
        }
    }

    Runtime& runtime;
    mutable std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::shared_ptr<Call>> queue;
    bool closing = false;
    std::vector<std::thread> threads;
};

Workers::Workers(Runtime& runtime, std::size_t threads) : impl_(std::make_unique<Impl>(runtime)) {
    for (std::size_t i = 0; i < threads; ++i) {
        impl_->threads.emplace_back([impl = impl_.get(), i] { impl->serve(i); });
    }
}

Workers::~Workers() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
    }
    impl_->wake.notify_all();
    for (auto& thread : impl_->threads) thread.join();
}

std::size_t Workers::waiting() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->queue.size();
}

Task<> Workers::run_on(std::function<void(std::size_t)> work) {
    const auto call = std::make_shared<Call>(impl_->runtime);
    call->work = std::move(work);
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->queue.push_back(call);
    }
    impl_->wake.notify_one();
    while (!call->done) co_await call->answered.wait();
    if (call->failure) std::rethrow_exception(call->failure);
}

}  // namespace glia
