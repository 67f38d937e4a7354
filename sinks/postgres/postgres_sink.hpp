// The Sink over PostgreSQL (DESIGN.md §3).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/postgres/range_scan.hpp"
#include "sinks/sink.hpp"

namespace glia::postgres {

/// The parts of the configuration that concern this sink.
struct Settings {
    std::string dsn;  ///< empty: libpq's environment
    std::string schema = "glia";
    std::chrono::milliseconds statement_timeout{60'000};
    EnabledEnrichers enrich{};  ///< the enrichers to queue work for
    std::function<void()>
        on_statement{};      ///< called before every statement, by the thread that uses the sink
    ScanThresholds scans{};  ///< affect the speed only; tests change them
};

/// Creates the sink. It connects at the first use.
std::unique_ptr<Sink> open(const Settings& settings);

/// Why a table cannot be written.
struct WriteFailure {
    std::string table;  ///< empty if the failure came before the first table
    std::string error;
    bool may_pass = false;  ///< true if a retry may succeed
};

/// The state of the database, for `check`.
struct Inspection {
    std::string server;  ///< version of the server
    std::string database;
    std::string role;
    bool standby = false;             ///< a read-only standby
    bool read_only = false;           ///< default_transaction_read_only is on for the role or the database
    bool may_create = false;          ///< the role may create the schema, or tables in it
    int schema_version = 0;           ///< 0: there is no schema yet
    OptionalText missing_privileges;  ///< tables and privileges that the role lacks, if any
    /// Found by writing to every table and rolling back, if nothing above already prevents writing.
    std::optional<WriteFailure> write_failure{};
    std::vector<std::string> new_undocumented_members{};  ///< of the last 7 days
    OptionalText indexes;                                 ///< their size, if it exceeds shared_buffers
    std::string shared_buffers;                           ///< its value, if `indexes` is set
};
/// Throws SinkError if the database cannot be reached or used.
Inspection inspect(const Settings& settings);

}  // namespace glia::postgres
