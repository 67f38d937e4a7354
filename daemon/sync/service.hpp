// The service: every site polled for ever, or once (DESIGN.md §1, run).
#pragma once

#include "daemon/sync/engine.hpp"

namespace glia {

/// One incremental pass over every site, the revisit tiers that are due, the detail queue.
Task<Outcome> run_once(Engine& engine, std::int64_t& rejected);

/// Until the program stops. Failures are logged, shown by `status`, and tried again.
Task<> run_service(Engine& engine);

}  // namespace glia
