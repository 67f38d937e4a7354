// Decides whether the service does its work, for /readyz. Pure.
#pragma once

#include <string>

#include "daemon/base/metrics.hpp"

namespace glia {

struct Readiness {
    bool ready = false;
    std::string text;  ///< a line for the database and for every site
};

/// Ready if the database responds and at least one site is in order. A site is in order if its last pass did
/// not fail, whichever instance read it, and if it is being read or was read within the last five poll
/// intervals (at least ten minutes).
Readiness judge_readiness(const Gauges& gauges, Instant now);

}  // namespace glia
