// Checkpoints of passes and windows, under their leases.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/sqlite/connection.hpp"

namespace glia::sqlite {

/// Throws `lease_lost` if a lease's statement wrote no row.
void fence(std::int64_t rows_written, const std::string& what);
std::string describe(const SiteTarget& site);
std::string describe(const WindowTarget& window);

Value stream_value(Stream stream);
/// The key of a window and its epoch, then `more`.
Values window_values(const WindowTarget& window, Values more);

/// Moves the checkpoint and, with a complete pass, adds its row to sync_runs. Within a transaction.
void write_checkpoint(Connection& connection, const PassCheckpoint& checkpoint);

/// Adds the failure to sync_runs, unless the last run of the stream and site failed in the same way. Within a
/// transaction.
void add_failure(Connection& connection, const FailedPass& failed, const SiteKey& site,
                 const std::string& error);

}  // namespace glia::sqlite
