#include "daemon/api/rate_limiter.hpp"

#include <algorithm>

namespace glia {
namespace {

RateLimiter::Duration per_second(double count) {
    return std::chrono::duration_cast<RateLimiter::Duration>(std::chrono::duration<double>(1.0 / count));
}

}  // namespace

RateLimiter::RateLimiter(std::optional<double> limit)
    : automatic_(!limit), rate_(limit.value_or(kHighestAuto)) {}

RateLimiter::Time RateLimiter::next(Time now) const {
    Time at = std::max(now, paused_until_);
    if (rate_ > 0) at = std::max(at, next_);
    return at;
}

void RateLimiter::sent(Time now) {
    if (rate_ <= 0) return;
    // A little wider than the limit, so that the API's seconds, which are not ours, never see one request too
    // many. A late timer is made up for, idle time is not.
    const auto spacing = per_second(rate_ / 1.006);
    const auto late = std::min<Duration>(spacing / 10, std::chrono::milliseconds{4});
    next_ = std::max(next_, now - late) + spacing;
}

void RateLimiter::accepted(Time now) {
    if (!automatic_) return;
    if (!last_rise_) last_rise_ = now;
    if (now - *last_rise_ < std::chrono::seconds{1}) return;
    last_rise_ = now;
    rate_ = std::min(kHighestAuto, rate_ + std::max(0.25, rate_ * 0.02));
}

void RateLimiter::refused(Time now, std::optional<Duration> pause) {
    if (pause) paused_until_ = std::max(paused_until_, now + *pause);
    if (!automatic_) return;
    last_rise_ = std::max(now, paused_until_);
    if (last_cut_ && now - *last_cut_ < kSettle) return;
    last_cut_ = std::max(now, paused_until_);
    rate_ = std::max(kLowestAuto, rate_ * 0.75);
}

void RateLimiter::remaining(Time now, double count, Duration until_reset) {
    if (count < 1 && until_reset > Duration::zero())
        paused_until_ = std::max(paused_until_, now + until_reset);
}

}  // namespace glia
