// Writes a line of JSON for each engagement that is new or has changed (DESIGN.md §2, sink.ndjson).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "sinks/files/mode.hpp"
#include "sinks/sink.hpp"

namespace glia::ndjson {

struct Settings {
    std::string path = "-";  ///< "-": standard output; else the path from which files get their names
    std::int64_t rotate_bytes = std::int64_t{256} << 20;
    std::chrono::milliseconds rotate_every{3'600'000};
    std::string state{};  ///< path of the state file
    files::OnTightened on_tightened{};
};

/// Creates the sink. Opens no file yet. sqlite::open() describes the guarantees for lines and state.
std::unique_ptr<Sink> open(const Settings& settings);

}  // namespace glia::ndjson
