// Whose turn it is among the erasures that were asked for: decisions only, no I/O.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinks/sink.hpp"

namespace glia {

/// Gives each order one part after the other, so that a long one does not hold up those behind it, and passes
/// over one that failed until the next round, where it comes last.
class ErasureQueue {
  public:
    /// Begins a round with the orders that are stored, the oldest first.
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
