#include "daemon/base/thread_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace glia {
namespace {

struct Call {
    explicit Call(Runtime& runtime) : completion(runtime) {}
    std::function<void(std::size_t)> work;
    std::exception_ptr failure;
    bool done = false;  // loop's thread only
    AsyncCondition completion;
};

}  // namespace

struct ThreadPool::Impl {
    Impl(Runtime& loop, std::size_t count) : runtime(loop), wakes(count) {}

    void serve(std::size_t thread) {
        while (auto call = next(thread)) {
            try {
                call->work(thread);
            } catch (...) {
                call->failure = std::current_exception();
            }
            {
                // Becomes idle before the caller is resumed, because the caller's next call may want this
                // thread.
                const std::lock_guard lock(mutex);
                if (queue.empty()) list(thread);
            }
            // The loop's thread drops the last reference, because what the call captures belongs to it.
            runtime.post([call = std::move(call)] {
                call->done = true;
                call->completion.notify();
            });
        }
    }

    /// Waits for a call; null when the pool closes.
    std::shared_ptr<Call> next(std::size_t thread) {
        std::unique_lock lock(mutex);
        do {
            if (queue.empty()) list(thread);
            // A listed thread waits until it is woken, even if the queue has a call: that call is for
            // another.
            wakes[thread].wait(lock, [&] { return closing || !is_listed(thread); });
            if (closing) return nullptr;
        } while (queue.empty());  // another thread has taken the call
        auto call = std::move(queue.front());
        queue.pop_front();
        return call;
    }

    bool is_listed(std::size_t thread) const {
        return std::find(idle.begin(), idle.end(), thread) != idle.end();
    }
    void list(std::size_t thread) {
        if (!is_listed(thread)) idle.push_back(thread);
    }

    void add(std::shared_ptr<Call> call) {
        const std::lock_guard lock(mutex);
        queue.push_back(std::move(call));
        if (idle.empty()) return;
        const std::size_t thread = idle.back();
        idle.pop_back();
        wakes[thread].notify_one();
    }

    Runtime& runtime;
    mutable std::mutex mutex;
    std::deque<std::shared_ptr<Call>> queue;
    bool closing = false;
    std::vector<std::size_t> idle;  // a stack: the thread that became idle last has the warmest caches
    std::vector<std::condition_variable> wakes;  // one for each thread, notified when it leaves `idle`
    std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(Runtime& runtime, std::size_t threads)
    : impl_(std::make_unique<Impl>(runtime, threads)) {
    for (std::size_t i = 0; i < threads; ++i) {
        impl_->threads.emplace_back([impl = impl_.get(), i] { impl->serve(i); });
    }
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
    }
    for (auto& wake : impl_->wakes) wake.notify_one();
    for (auto& thread : impl_->threads) thread.join();
}

std::size_t ThreadPool::waiting() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->queue.size();
}

Task<> ThreadPool::run_on(std::function<void(std::size_t)> work) {
    const auto call = std::make_shared<Call>(impl_->runtime);
    call->work = std::move(work);
    impl_->add(call);
    while (!call->done) co_await call->completion.wait();
    if (call->failure) std::rethrow_exception(call->failure);
}

}  // namespace glia
