// Assigns ids to legs without a unique one (DESIGN.md §3, legs: key `engagement_id, id`).
#pragma once

#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// Gives each leg a unique id: `#<position>` if the id is missing or empty, `<id>#2` for the second leg with
/// the same id, and so on. The leg's `extra` keeps the received id. The same legs in the same order always
/// get the same ids. `memory` owns the new texts.
void assign_leg_ids(std::vector<Leg>& legs, RecordMemory& memory);

}  // namespace glia
