// The start of most commands: configuration, logging, schema, loop, API, sink pool.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "daemon/config/settings.hpp"
#include "daemon/sync/instance.hpp"
#include "sinks/postgres/postgres_sink.hpp"

namespace glia::cli {

/// The PostgreSQL sink's part of the configuration. Throws ConfigError if the DSN or its file is unusable.
postgres::Settings sink_settings(const Settings& settings);

/// Creates the configured sink. It connects to PostgreSQL at the first use. `statement_timeout`: zero means
/// the default.
std::unique_ptr<Sink> open_sink(const Settings& settings, std::chrono::milliseconds statement_timeout = {});

/// Runs `work` with an instance and returns its exit code. Prints errors of the start and returns 78
/// (configuration) or 69 (database). `threads`: connections to the database. `adjust`: may change the
/// settings before anything uses them.
int with_instance(const std::string& config, int threads, const std::function<Task<int>(Instance&)>& work,
                  const std::function<void(Settings&)>& adjust = {});

/// Runs the service until it is stopped. SIGHUP reloads the configuration. A valid configuration replaces the
/// old one after running work has reached its next checkpoint. An invalid one is refused, and the old one
/// stays.
int serve(const std::string& config);

/// Runs `work`, prints what it throws, and returns the exit code.
int guarded(const std::function<int()>& work);

/// Runs `main` on the loop and returns its code. Prints an exception of any coroutine and exits. Also exits
/// at once if a stop takes longer than `grace`, or if a name lookup is still running at the end.
int run_loop(Runtime& runtime, const std::function<Task<int>()>& main, std::chrono::milliseconds grace);

}  // namespace glia::cli
