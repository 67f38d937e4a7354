// Performs a verification (DESIGN.md §1, verify): the requests, the comparisons and the repairs that
// Verification asks for.
#pragma once

#include <functional>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/verification.hpp"

namespace glia {

/// Called once a second.
using VerificationObserver = std::function<void(const Verification&)>;

/// Compares the range of `spec` with the source. The sink must have a VerificationStore. Failures are in the
/// outcome of the result.
Task<Verification> run_verification(Instance& instance, VerificationSpec spec, VerificationObserver observer);

}  // namespace glia
