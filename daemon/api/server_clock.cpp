#include "daemon/api/server_clock.hpp"

#include <algorithm>

namespace glia {
namespace {

// Responses in a row, and the time that they span, before the estimate moves to what they agree on. A single
// server with a wrong clock, among several behind one name, gives fewer in a row.
constexpr int kResponsesToFollow = 5;
constexpr Seconds kFollowAfter{60};
// A Date outside this range is an error of the server, and may be one that PostgreSQL cannot store.
constexpr Instant kEarliestDate{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};
constexpr Instant kLatestDate{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
// Responses that must agree before the program has any other estimate.
constexpr int kResponsesToBegin = 2;

std::chrono::microseconds since_epoch(SteadyTime moment) {
    return std::chrono::duration_cast<std::chrono::microseconds>(moment.time_since_epoch());
}

bool agrees(std::chrono::microseconds difference, std::chrono::microseconds lower,
            std::chrono::microseconds upper) {
    return difference >= lower - kClockTolerance && difference <= upper + kClockTolerance;
}

}  // namespace

Instant latest_watermark(Instant server, Instant machine) {
    return server - kClockTolerance > machine ? Instant{machine + kClockTolerance} : server;
}

ServerClock::ServerClock(SteadyTime now, Instant local, std::chrono::microseconds ahead)
    : local_(local.time_since_epoch() - since_epoch(now)),
      difference_(local_ + ahead),
      least_(difference_ - Seconds{1}) {}

ServerClock::Verdict ServerClock::observe(SteadyTime sent, SteadyTime received, Instant date) {
    if (date < kEarliestDate || date >= kLatestDate) return Verdict::ignored;
    const auto lower = date.time_since_epoch() - since_epoch(received);
    const auto upper = date.time_since_epoch() + Seconds{1} - since_epoch(sent);
    if (!agrees(difference_, lower, upper)) {
        if (!known_ && agrees(local_, lower, upper)) {
            difference_ = local_;
        } else if (outweighed(lower, upper, received)) {
            difference_ = lower;
        } else {
            return known_ ? Verdict::ignored : Verdict::doubtful;
        }
        known_ = false;  // earlier bounds do not apply to the new clock
    }
    rival_.reset();
    take(lower, upper);
    return Verdict::used;
}

void ServerClock::take(Difference lower, Difference upper) {
    if (difference_ > upper || (!known_ && difference_ < lower)) {
        difference_ = lower;
    } else {
        difference_ = std::max(difference_, lower);
    }
    least_ = !known_ || least_ > upper ? lower : std::max(least_, lower);
    known_ = true;
}

bool ServerClock::outweighed(Difference lower, Difference upper, SteadyTime received) {
    if (!rival_ || !agrees(rival_->least, lower, upper)) rival_ = Rival{lower, received, 0};
    ++rival_->responses;
    if (!known_) return rival_->responses >= kResponsesToBegin;
    return rival_->responses >= kResponsesToFollow && received - rival_->since >= kFollowAfter;
}

Instant ServerClock::at(SteadyTime moment) const {
    return Instant{since_epoch(moment) + difference_};
}

Instant ServerClock::lower_bound_at(SteadyTime moment) const {
    return Instant{since_epoch(moment) + least_};
}

ClockNotice::Step ClockNotice::on_offset(std::chrono::microseconds ahead) {
    const bool differs = std::chrono::abs(ahead) > kClockTolerance;
    if (!differs) {
        if (!logged_) return Step::nothing;
        logged_.reset();
        return Step::agrees_again;
    }
    if (logged_ && std::chrono::abs(ahead - *logged_) <= kClockTolerance) return Step::nothing;
    logged_ = ahead;
    return Step::differs;
}

}  // namespace glia
