// Counts engagements by hour, for the view `volume` and its metrics.
#pragma once

#include "daemon/sync/instance.hpp"

namespace glia {

/// Counts the hours that are due. Returns false if no site has completed its first pass.
Task<bool> count_volume(Instance& instance);
/// Counts every few minutes until the instance ends.
Task<> serve_volume(Instance& instance, WaitGroup& tasks);

}  // namespace glia
