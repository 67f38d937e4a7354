// Erasing for good (DESIGN.md §1, forget), and by age: rows go in small transactions, and what was forgotten
// stays away, because every writer looks for its tombstone.
#pragma once

#include "sinks/postgres/connection.hpp"
#include "sinks/sink.hpp"

namespace glia::postgres {

/// The tombstones, and the order to erase what they name: from then on none of it is written again.
void begin_forgetting(Connection& connection, const ForgetOrder& order);

/// The orders that are not through, the oldest first.
std::vector<ErasureOrder> erasure_orders(Connection& connection);

/// Erases a part of what an order names, in one transaction.
ErasureStep erase_some(Connection& connection, const ErasureOrder& order);

/// Erases a part of the engagements created before, of rejected records last seen before, and of samples
/// taken before, in one transaction.
Erased erase_older(Connection& connection, Instant before, RetentionCursor& cursor);

}  // namespace glia::postgres
