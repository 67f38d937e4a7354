// Reads and writes the listings of operators, sites and queues that are due (DESIGN.md §2 directory).
#pragma once

#include "daemon/sync/instance.hpp"

namespace glia {

/// Reads every listing once, even if it is not due or was refused lately. For `run --once`. Adds the number
/// of unreadable records to `rejected`.
Task<ExitStatus> read_directory_once(Instance& instance, std::int64_t& rejected);

/// Reads every listing at the start and whenever it is due, until the instance ends. Instances share them by
/// leases. Failures are logged and retried.
Task<> serve_directory(Instance& instance, WaitGroup& tasks);

/// Sets the names of the configured sites for the log: the stored names, else those of the configuration.
/// Throws SinkError.
Task<> load_site_names(Instance& instance);

}  // namespace glia
