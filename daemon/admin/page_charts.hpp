// The pictures of the status page, as SVG: bars of engagements by hour and by day. What a picture shows
// stands in its title or beside it as text, too.
#pragma once

#include <string>
#include <vector>

#include "sinks/status.hpp"

namespace glia::html {

/// A bar for each of the last 24 hours.
std::string hours_chart(const std::array<std::int64_t, History::kHours>& hours);

/// A bar for each day, and a line at what was expected of it. Not for the screen reader: the days stand
/// beside it as a table.
std::string days_chart(const std::vector<VolumeDay>& days);

}  // namespace glia::html
