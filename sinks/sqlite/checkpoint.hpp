// Checkpoints of passes and windows, under their leases.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/sqlite/connection.hpp"

namespace glia::sqlite {

Value stream_value(Stream stream);
/// The parameters of a window's statement: its key and epoch, then `more`.
Values window_values(const WindowTarget& window, Values more);

/// Moves the checkpoint and, if a site's pass is complete, adds its row to sync_runs. Call it within a
/// transaction.
void write_checkpoint(Connection& connection, const PassCheckpoint& checkpoint);

/// Adds the failure to sync_runs. If the last run of the stream and site failed in the same way, updates its
/// row instead. Call it within a transaction.
void add_failure(Connection& connection, const FailedPass& failed, const SiteKey& site,
                 const std::string& error);

}  // namespace glia::sqlite
