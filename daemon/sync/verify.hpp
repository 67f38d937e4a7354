// Performs the steps of Verification: requests, comparisons and repairs (DESIGN.md §1, verify).
#pragma once

#include <functional>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/verification.hpp"

namespace glia {

/// Called with the progress about once a second, on the loop's thread.
using VerificationObserver = std::function<void(const Verification&)>;

/// Compares the range of `spec` with the source. Ends early if the instance's scope is cancelled. Throws
/// SinkError if the sink has no VerificationStore or fails at the start; later failures are in the outcome of
/// the result.
Task<Verification> run_verification(Instance& instance, VerificationSpec spec, VerificationObserver observer);

}  // namespace glia
