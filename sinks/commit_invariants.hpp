// What must hold of all that is committed (DESIGN.md §3.1, §3.3, §3.8). Checked where it is made, and by
// whoever writes it.
#pragma once

#include <cstdint>

#include "sinks/checkpoint.hpp"

namespace glia {

/// A lease's epoch is positive: one that was never acquired must not write. Throws InvariantBroken.
void check_epoch(std::int64_t epoch);

/// An epoch under every lease; a watermark with a completed incremental pass and with no other; a lease given
/// back with such a pass only. Throws InvariantBroken.
void check_checkpoint(const PassCheckpoint& checkpoint);

}  // namespace glia
