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
    EnrichmentWishes enrich{};  ///< what is asked for when an engagement is new or has changed
    std::function<void()>
        on_statement{};      ///< called before every statement, by the thread that uses the sink
    ScanThresholds scans{};  ///< tests set others; the tables end the same
};

/// Connects at the first use, not here.
std::unique_ptr<Sink> open(const Settings& settings);

/// Why a table cannot be written.
struct WriteFailure {
    std::string table;  ///< empty: it did not come as far as a table
    std::string error;
    bool may_pass = false;  ///< the same may succeed later
};

/// What `check` wants to know of the database.
struct Inspection {
    std::string server;  ///< version of the server
    std::string database;
    std::string role;
    bool standby = false;             ///< read-only: nothing can be written here
    bool read_only = false;           ///< so is every transaction by default, for the role or the database
    bool may_create = false;          ///< the role may create the schema, or tables in it
    int schema_version = 0;           ///< 0: there is no schema yet
    OptionalText missing_privileges;  ///< tables and privileges that the role lacks, if any
    /// Found by writing to every table and rolling back, where nothing above forbids it.
    std::optional<WriteFailure> write_failure{};
    std::vector<std::string> new_undocumented{};  ///< members beyond the documentation, of the last 7 days
    OptionalText indexes;                         ///< their size, if it is more than shared_buffers
    std::string shared_buffers;                   ///< then
};
/// Throws SinkError if the database cannot be reached or used.
Inspection inspect(const Settings& settings);

}  // namespace glia::postgres
