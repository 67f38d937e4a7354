#include "daemon/api/server_clock.hpp"

#include <algorithm>

namespace glia {
namespace {

std::chrono::microseconds since_epoch(SteadyTime moment) {
    return std::chrono::duration_cast<std::chrono::microseconds>(moment.time_since_epoch());
}

}  // namespace

ServerClock::ServerClock(SteadyTime now, Instant guess)
    : difference_(guess.time_since_epoch() - since_epoch(now)), least_(difference_) {}

void ServerClock::observe(SteadyTime sent, SteadyTime received, Instant date) {
    const auto lower = date.time_since_epoch() - since_epoch(received);
    const auto upper = date.time_since_epoch() + std::chrono::seconds{1} - since_epoch(sent);
    if (difference_ > upper || (!known_ && difference_ < lower)) {
        difference_ = lower;
    } else {
        difference_ = std::max(difference_, lower);
    }
    least_ = !known_ || least_ > upper ? lower : std::max(least_, lower);
    known_ = true;
}

Instant ServerClock::at(SteadyTime moment) const {
    return Instant{since_epoch(moment) + difference_};
}

Instant ServerClock::not_after(SteadyTime moment) const {
    return Instant{since_epoch(moment) + least_};
}

}  // namespace glia
