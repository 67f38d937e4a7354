#include "daemon/api/connect_schedule.hpp"

#include <algorithm>

namespace glia {

std::vector<std::size_t> interleave_families(const std::vector<bool>& is_ipv6) {
    std::vector<std::size_t> order;
    std::size_t position[2] = {0, 0};
    bool family = !is_ipv6.empty() && is_ipv6.front();
    while (order.size() < is_ipv6.size()) {
        std::size_t& at = position[family];
        while (at < is_ipv6.size() && is_ipv6[at] != family) ++at;
        if (at < is_ipv6.size()) order.push_back(at++);
        family = !family;
    }
    return order;
}

ConnectSchedule::ConnectSchedule(std::size_t addresses, Time now, Time deadline)
    : addresses_(addresses),
      deadline_(deadline),
      stagger_(std::min<Time::duration>(
          kStagger, (deadline - now) / 2 / std::max<Time::rep>(1, static_cast<Time::rep>(addresses)))),
      next_start_(now) {}

ConnectSchedule::Action ConnectSchedule::next(Time now) {
    const bool more = started_ < addresses_;
    if (!more && started_ == failed_) return GiveUp{false};
    if (now >= deadline_) return GiveUp{true};
    if (more && (started_ == failed_ || now >= next_start_)) {
        next_start_ = now + stagger_;
        return Start{started_++};
    }
    return Wait{more ? std::min(next_start_, deadline_) : deadline_};
}

void ConnectSchedule::on_failure() {
    ++failed_;
    next_start_ = Time::min();
}

}  // namespace glia
