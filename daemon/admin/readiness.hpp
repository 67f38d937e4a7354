// Is the service doing its work? A function of what is known.
#pragma once

#include <string>

#include "daemon/base/metrics.hpp"

namespace glia {

struct Readiness {
    bool ready = false;
    std::string text;  ///< a line for the database and for every site
};

/// Ready: the database answers, and at least one site is in order, which it is if its last pass ended well
/// and not too long ago, whoever read it, or if it is being read by an instance that had no failure.
Readiness judge_readiness(const Gauges& gauges, Instant now);

}  // namespace glia
