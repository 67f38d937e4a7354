// The Sink without a database: a line of JSON for each engagement that is new or has changed, and a state
// file beside the lines (DESIGN.md §2, sink.ndjson).
#pragma once

#include <memory>
#include <string>

#include "sinks/ndjson/output.hpp"
#include "sinks/sink.hpp"

namespace glia::ndjson {

struct Settings {
    OutputSettings output;
    std::string state;  ///< path of the state file
    OnTightened on_tightened{};
};

/// The lines are on the disk before the state that covers them: a crash repeats at most one transaction's
/// lines on standard output, and none in files. One program at a time writes; within it, all sinks of one
/// state file share it, and may be used by several threads. Whoever only asks (status, history, rejected) may
/// do so meanwhile. A sink with other `output` than those before it takes over with its first transaction:
/// that is how a reload changes path and rotation.
std::unique_ptr<Sink> open(const Settings& settings);

}  // namespace glia::ndjson
