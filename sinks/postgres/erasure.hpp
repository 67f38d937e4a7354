// Erasing for good (DESIGN.md §1, forget), and by age: rows go in small transactions, and what was forgotten
// stays away, because every writer looks for its tombstone.
#pragma once

#include "sinks/postgres/connection.hpp"
#include "sinks/sink.hpp"

namespace glia::postgres {

/// The tombstones, and the order to erase what they name: from then on none of it is written again.
void begin_forgetting(Connection& connection, const ForgetOrder& order);

/// Goes on with the orders, one visitor or engagement at a time.
Erased erase_ordered(Connection& connection);

/// Erases some of the engagements created before, the oldest first, and rejected records last seen before.
Erased erase_older(Connection& connection, Instant before);

}  // namespace glia::postgres
