#include "daemon/sync/erasure_queue.hpp"

#include <algorithm>
#include <utility>

namespace glia {

void ErasureQueue::begin(std::vector<ErasureOrder> orders) {
    std::stable_partition(orders.begin(), orders.end(),
                          [&](const ErasureOrder& order) { return !failed_.contains(order); });
    waiting_.assign(orders.begin(), orders.end());
    failed_.clear();
}

std::optional<ErasureOrder> ErasureQueue::next() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front());
}

void ErasureQueue::on_step(bool finished) {
    if (!finished) waiting_.push_back(waiting_.front());
    waiting_.pop_front();
}

void ErasureQueue::on_failure() {
    failed_.insert(waiting_.front());
    waiting_.pop_front();
}

}  // namespace glia
