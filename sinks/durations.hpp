// The units in which this program measures waits, limits and intervals.
#pragma once

#include <chrono>

namespace glia {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// Two clocks that differ by no more than this agree (DESIGN.md §3.10).
inline constexpr Seconds kClockTolerance{60};

}  // namespace glia
