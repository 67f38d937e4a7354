// Bar charts of the status page as SVG: engagements by hour and by day. Each has an alternative as text, in
// its title or beside it.
#pragma once

#include <string>
#include <vector>

#include "sinks/status.hpp"

namespace glia::html {

/// A bar for each of the last 24 hours; the last bar is the hour up to now.
std::string hours_chart(const std::array<std::int64_t, History::kHours>& hours);

/// A bar for each day, with a line at the expected number. Hidden from screen readers, which read the table
/// of the days beside it.
std::string days_chart(const std::vector<VolumeDay>& days);

}  // namespace glia::html
