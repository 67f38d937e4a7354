// The service: polls every site for ever, or once (DESIGN.md §1, run).
#pragma once

#include "daemon/sync/instance.hpp"

namespace glia {

/// Runs one incremental pass over every site, the revisit tiers that are due, and the detail queue.
Task<ExitStatus> run_once(Instance& instance, std::int64_t& rejected);

/// Runs until the program stops. Logs and retries failures; `status` shows them.
Task<> run_service(Instance& instance);

}  // namespace glia
