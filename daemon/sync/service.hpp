// The service: polls every site for ever, or once (DESIGN.md §1, run).
#pragma once

#include "daemon/sync/instance.hpp"

namespace glia {

/// Does once, in this order: for every site an incremental pass and the widest revisit tier that is due, then
/// the detail queue, erasures, listings of operators, sites and queues, statistics, enrichers, and counts by
/// hour. Adds the number of records rejected by the passes, details, listings and statistics to `rejected`.
Task<ExitStatus> run_once(Instance& instance, std::int64_t& rejected);

/// Runs until the program stops. Logs and retries failures; `status` shows them.
Task<> run_service(Instance& instance);

}  // namespace glia
