// Names of operators, sites and queues: the listings that are due, read and written (DESIGN.md §2 directory).
#pragma once

#include "daemon/sync/engine.hpp"

namespace glia {

/// Reads every listing once, due or not, also one that was refused lately; for `run --once`.
Task<Outcome> read_directory_once(Engine& engine);

/// Reads every listing at the start and whenever it is due, until the engine ends. Instances share them by
/// leases. Failures are logged and tried again.
Task<> serve_directory(Engine& engine, Latch& latch);

}  // namespace glia
