// Checkpoints of passes and windows, under their leases.
#pragma once

#include <cstddef>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

Param seconds_param(std::chrono::milliseconds time);

/// Moves the checkpoint and, if a site's pass is complete, adds its row to sync_runs. Must be the first
/// statement of a commit: it locks the lease's row, so that another instance gets the lease only after the
/// commit, or has it already and the commit fails.
void write_checkpoint(Transaction& tx, const PassCheckpoint& checkpoint);

/// Moves the checkpoints of distinct windows in one statement.
void write_windows(Transaction& tx, const std::vector<const PassCheckpoint*>& checkpoints);

}  // namespace glia::postgres
