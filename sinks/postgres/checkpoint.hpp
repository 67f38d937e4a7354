// Checkpoints of passes and windows, under their leases.
#pragma once

#include <cstddef>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Throws `lease_lost` if the statement of some leases wrote fewer rows than there are leases.
void fence(std::int64_t rows_written, const std::string& what, std::size_t leases = 1);
std::string describe(const SiteTarget& site);
std::string describe(const WindowTarget& window);

Param seconds_param(std::chrono::milliseconds time);

/// Moves the checkpoint and, with a complete pass of a site, adds its row to sync_runs. The fence comes
/// before anything else of a commit: it locks the row of the lease, so a takeover waits for the commit or
/// stops it.
void write_checkpoint(Transaction& tx, const PassCheckpoint& checkpoint);

/// Checkpoints of windows, each another one, in one statement.
void write_windows(Transaction& tx, const std::vector<const PassCheckpoint*>& checkpoints);

}  // namespace glia::postgres
