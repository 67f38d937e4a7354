#include "daemon/api/request_gate.hpp"

#include <boost/asio/steady_timer.hpp>

namespace glia {

struct RequestGate::Waiter {
    explicit Waiter(Runtime& runtime) : condition(runtime) {}
    AsyncCondition condition;
    bool granted = false;
};

struct RequestGate::Timer {
    explicit Timer(Runtime& runtime) : timer(runtime.context()) {}
    boost::asio::steady_timer timer;
};

RequestGate::RequestGate(CancellationScope& scope, int max_in_flight, std::optional<double> rate_limit)
    : scope_(scope),
      limiter_(rate_limit),
      free_(max_in_flight),
      timer_(std::make_shared<Timer>(scope.runtime())) {
    scope.on_cancel([this] {
        timer_->timer.cancel();
        for (auto& queue : waiting_) {
            for (auto& waiter : queue) waiter->condition.notify();
            queue.clear();
        }
    });
}

RequestGate::~RequestGate() = default;

Task<bool> RequestGate::enter(Priority priority) {
    if (scope_.cancelled()) co_return false;
    const auto waiter = std::make_shared<Waiter>(scope_.runtime());
    waiting_[static_cast<std::size_t>(priority)].push_back(waiter);
    pump();
    if (!waiter->granted) co_await waiter->condition.wait();
    co_return waiter->granted;
}

void RequestGate::leave() {
    ++free_;
    pump();
}

void RequestGate::pump() {
    for (auto& queue : waiting_) {
        while (!queue.empty()) {
            if (free_ == 0) return;
            const auto now = std::chrono::steady_clock::now();
            const auto at = limiter_.next(now);
            if (at > now) {
                timer_->timer.expires_at(at);
                // The handler may already be queued when the gate is destroyed.
                timer_->timer.async_wait(
                    [this, alive = std::weak_ptr(timer_)](const boost::system::error_code& error) {
                        if (!error && !alive.expired()) pump();
                    });
                return;
            }
            limiter_.sent(now);
            --free_;
            const auto waiter = queue.front();
            queue.pop_front();
            waiter->granted = true;
            waiter->condition.notify();
        }
    }
}

}  // namespace glia
