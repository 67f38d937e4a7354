// What must hold of all that is committed (DESIGN.md §3.1, §3.3, §3.8). Checked where it is made, and by
// whoever writes it.
#pragma once

#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia {

/// An epoch under every lease; a watermark with a completed incremental pass and with no other; a lease given
/// back with such a pass only. Throws InvariantBroken.
void check_checkpoint(const PassCheckpoint& checkpoint);

/// Legs that are known by a hash have a time of reading, or an older response could overwrite them. Throws
/// InvariantBroken.
void check_stored_state(const StoredState& stored);

/// No id twice among records that one statement writes: which of two would stay is not defined. Sorts `ids`.
/// Throws InvariantBroken.
void check_distinct(std::vector<std::string_view> ids);

}  // namespace glia
