#include "daemon/api/rate_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace glia {
namespace {

// Growth of the rate per second, as a fraction of it: at the start, and when probing above a known limit.
constexpr double kFirstGrowth = 0.5;
constexpr double kProbeGrowth = 0.01;
constexpr std::chrono::duration<double> kProbeGrowthDoublesEvery{5};
constexpr Milliseconds kRiseEvery{100};
// A second counts as evidence only if at least this fraction of the rate was sent within it.
constexpr double kUsedShare = 0.7;
// If less than this fraction of the rate was accepted, the limit is clearly lower than the rate.
constexpr double kClearlyLessShare = 0.9;
// Estimates of the limit as fractions of the rate: the lowest one, and the one without a full second of
// evidence.
constexpr double kLowestEstimate = 0.4;
constexpr double kEstimateOfUnfilledSecond = 0.75;
// The rate as a fraction of a limit that was found.
constexpr double kFractionOfLimit = 0.96;

RateLimiter::Duration per_second(double count) {
    return std::chrono::duration_cast<RateLimiter::Duration>(std::chrono::duration<double>(1.0 / count));
}

}  // namespace

RateLimiter::RateLimiter(std::optional<double> limit)
    : automatic_(!limit), rate_(limit.value_or(kFirstAuto)) {}

RateLimiter::Time RateLimiter::next(Time now) const {
    Time at = std::max(now, paused_until_);
    if (rate_ > 0) at = std::max(at, next_);
    return at;
}

void RateLimiter::sent(Time now) {
    if (rate_ <= 0) return;
    if (automatic_) sent_.add(now);
    // Slightly wider than the limit, because the API's one-second windows do not align with ours. A late
    // timer is compensated, idle time is not.
    const auto spacing = per_second(rate_ / 1.006);
    const auto late = std::min<Duration>(spacing / 10, Milliseconds{4});
    next_ = std::max(next_, now - late) + spacing;
}

double RateLimiter::growth(Time now) const {
    if (!found_at_) return kFirstGrowth;
    const auto probing = now - *found_at_ - kHold;
    if (probing <= Duration::zero()) return 0;
    return std::min(kFirstGrowth, kProbeGrowth * std::exp2(probing / kProbeGrowthDoublesEvery));
}

void RateLimiter::accepted(Time now) {
    if (!automatic_) return;
    accepted_.add(now);
    if (!last_rise_) last_rise_ = now;
    const auto since = now - *last_rise_;
    if (since < kRiseEvery) return;
    last_rise_ = now;
    if (sent_.count(now) < kUsedShare * rate_) return;  // an unused rate proves nothing, so it does not rise
    const double seconds = std::chrono::duration<double>(std::min<Duration>(since, Seconds{1})).count();
    rate_ = std::min(kHighestAuto, rate_ * (1 + growth(now) * seconds));
}

void RateLimiter::refused(Time now, std::optional<Duration> pause) {
    if (pause) paused_until_ = std::max(paused_until_, now + *pause);
    if (!automatic_) return;
    if (found_at_ && now - *found_at_ < kRefusalWindow) return;
    // After a full second at this rate, the number of accepted requests is the limit, or the rate itself if
    // nearly all were accepted. Otherwise the limit is estimated.
    const bool full_second = sent_.count(now) >= kUsedShare * rate_;
    const double through = accepted_.count(now);
    double limit = rate_;
    if (!full_second) {
        limit = rate_ * kEstimateOfUnfilledSecond;
    } else if (through < kClearlyLessShare * rate_) {
        limit = std::max(through, rate_ * kLowestEstimate);
    }
    rate_ = std::max(kLowestAuto, limit * kFractionOfLimit);
    found_at_ = std::max(now, paused_until_);
    last_rise_ = found_at_;
}

void RateLimiter::remaining(Time now, double count, Duration until_reset) {
    if (count < 1 && until_reset > Duration::zero())
        paused_until_ = std::max(paused_until_, now + until_reset);
}

}  // namespace glia
