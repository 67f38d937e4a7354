// Which stored order of `forget` to execute next: decisions only, no I/O.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinks/sink.hpp"

namespace glia {

/// Takes one part of each order in turn, so that a long order does not block those behind it. An order that
/// failed is skipped until the next round, where it is the last.
class ErasureQueue {
  public:
    /// Begins a round with the stored orders, the oldest first.
    void begin(std::vector<ErasureOrder> orders);
    /// The order whose next part is to be erased; none: the round is over.
    std::optional<ErasureOrder> next() const;
    /// A part of next() was erased.
    void on_step(const ErasureStep& step);
    /// A part of next() could not be erased.
    void on_failure();

  private:
    std::deque<ErasureOrder> waiting_;
    std::set<std::pair<std::string, std::string>> failed_;  // by kind and id
};

}  // namespace glia
