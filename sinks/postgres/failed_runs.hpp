// Failures in sync_runs. A repeated failure increments the counter of its row instead of adding a row.
#pragma once

#include <optional>
#include <string>

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// A pass or a window that failed.
struct Failure {
    const FailedPass& failed;
    const std::string& site;
    std::optional<std::int64_t> backfill;
    std::int64_t epoch;
    const std::string& error;
    std::string stream;  ///< name_of()
};

/// Adds a row to sync_runs and returns its id. If the failure equals the last one, which `last_run` names
/// (failed_run_id), increments its counter and returns none.
std::optional<std::int64_t> add_failure(Transaction& tx, const Failure& failure, const pqxx::row& last_run);

}  // namespace glia::postgres
