// Who may send a request now: max_in_flight and the rate limit, for the whole process.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>

#include "daemon/api/rate_limiter.hpp"
#include "daemon/base/runtime.hpp"

namespace glia {

/// Pages go before details: a page brings a hundred engagements, a detail the legs of one. Enrichment comes
/// last.
enum class Priority { page = 0, detail = 1, enrichment = 2 };

/// Loop's thread only.
class RequestGate {
  public:
    RequestGate(CancellationScope& scope, int max_in_flight, std::optional<double> rate_limit);
    ~RequestGate();

    /// Waits for a place. False if the scope ends; then leave() must not be called.
    Task<bool> enter(Priority priority);
    void leave();
    RateLimiter& limiter() { return limiter_; }

  private:
    struct Waiter;
    void pump();

    CancellationScope& scope_;
    RateLimiter limiter_;
    int free_;
    std::array<std::deque<std::shared_ptr<Waiter>>, 3> waiting_;
    struct Timer;
    std::shared_ptr<Timer> timer_;
};

}  // namespace glia
