// The units in which this program measures waits, limits and intervals.
#pragma once

#include <chrono>

namespace glia {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

}  // namespace glia
