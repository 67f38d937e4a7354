// Ids of legs that came without one of their own (DESIGN.md §3, legs: key `engagement_id, id`).
#pragma once

#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// Gives an id to each leg that has none of its own: `#<position>` to one that came without an id or with an
/// empty one, `<id>#2` to the second of an id, and so on. The id that was sent is kept in the leg's `extra`.
/// The same legs in the same order always get the same ids. New texts are kept in `memory`.
void assign_leg_ids(std::vector<Leg>& legs, RecordMemory& memory);

}  // namespace glia
