// What most commands begin with: configuration, logging, schema, loop, API, store.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "daemon/config/settings.hpp"
#include "daemon/sync/engine.hpp"
#include "sinks/postgres/postgres_sink.hpp"

namespace glia::cli {

/// The sink's part of the configuration. Throws ConfigError if the DSN's file cannot be read.
postgres::Settings sink_settings(const Settings& settings);

/// The sink of the configuration. PostgreSQL is connected to at the first use; a time limit of zero: the
/// usual one.
std::unique_ptr<Sink> open_sink(const Settings& settings, std::chrono::milliseconds statement_timeout = {});

/// Runs `work` with everything set up and returns its exit code. Errors of the set-up are told and turned
/// into codes: 78 configuration, 69 database. `threads`: connections to the database.
int with_engine(const std::string& config, int threads, const std::function<Task<int>(Engine&)>& work,
                const std::function<void(Settings&)>& adjust = {});

/// The service: runs until it is stopped. SIGHUP has the configuration read again: one that is in order takes
/// over from the old one, which first brings what is under way to its next checkpoint; one that is not is
/// refused.
int serve(const std::string& config);

/// Runs `work`, tells what it throws, and returns the exit code.
int guarded(const std::function<int()>& work);

/// Runs `main` on the loop and returns its code. What a coroutine throws is told at once, and leaves the
/// process; so does a stop that takes longer than `grace`, and a name lookup that is still under way at the
/// end.
int run_loop(Runtime& runtime, const std::function<Task<int>()>& main, std::chrono::milliseconds grace);

}  // namespace glia::cli
