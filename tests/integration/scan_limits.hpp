// The two extreme settings of a sink's scans.
#pragma once

#include <limits>

#include "sinks/postgres/range_scan.hpp"

namespace glia {

inline constexpr postgres::ScanThresholds kScanAlways{0, 0, 0};
inline constexpr postgres::ScanThresholds kScanNever{std::numeric_limits<std::size_t>::max(),
                                                     std::numeric_limits<std::size_t>::max(),
                                                     std::numeric_limits<int>::max()};

}  // namespace glia
