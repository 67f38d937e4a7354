#include "daemon/sync/erasure_queue.hpp"

#include <algorithm>
#include <utility>

namespace glia {

void ErasureQueue::begin(std::vector<ErasureOrder> orders) {
    std::stable_partition(orders.begin(), orders.end(), [&](const ErasureOrder& order) {
        return !failed_.contains({order.kind, order.id});
    });
    waiting_.assign(orders.begin(), orders.end());
    failed_.clear();
}

std::optional<ErasureOrder> ErasureQueue::next() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front());
}

void ErasureQueue::on_step(const ErasureStep& step) {
    ErasureOrder order = std::move(waiting_.front());
    waiting_.pop_front();
    if (step.finished) return;
    order.cursor = step.cursor;
    waiting_.push_back(std::move(order));
}

void ErasureQueue::on_failure() {
    failed_.emplace(waiting_.front().kind, waiting_.front().id);
    waiting_.pop_front();
}

}  // namespace glia
