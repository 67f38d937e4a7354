// Invariants of every commit (DESIGN.md §3.1, §3.3, §3.8). Checked where a checkpoint is created and where it
// is written.
#pragma once

#include <cstdint>

#include "sinks/checkpoint.hpp"

namespace glia {

/// A lease's epoch is positive: one that was never acquired must not write. Throws InvariantBroken.
void check_epoch(std::int64_t epoch);

/// The lease has an epoch. A completed incremental pass, and no other, sets a watermark. Only such a pass may
/// release the lease. Throws InvariantBroken.
void check_checkpoint(const PassCheckpoint& checkpoint);

}  // namespace glia
