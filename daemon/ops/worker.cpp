#include "daemon/ops/worker.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace glia {
namespace {

struct Call {
    explicit Call(Runtime& runtime) : answered(runtime) {}
    std::function<void()> work;
    std::exception_ptr failure;
    bool done = false;  // loop's thread only
    Signal answered;
};

}  // namespace

struct Worker::Impl {
    explicit Impl(Runtime& loop) : runtime(loop), thread([this] { serve(); }) {}

    void serve() {
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
                call->work();
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
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::shared_ptr<Call>> queue;
    bool closing = false;
    std::thread thread;  // last: it uses the others
};

Worker::Worker(Runtime& runtime) : impl_(std::make_unique<Impl>(runtime)) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
    }
    impl_->wake.notify_all();
    impl_->thread.join();
}

Task<> Worker::run_erased(std::function<void()> work) {
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
