// Requests for interval statistics (spec: directory-and-statistics, Statistics).
#pragma once

#include <string>

#include "sinks/statistics.hpp"

namespace glia {

/// Path and query of the POST request about one site and interval; its body is empty. It asks for the
/// source's dimensions, restricted to the site.
std::string statistics_query(StatisticsSource source, const std::string& site_id,
                             const StatisticsInterval& interval);

}  // namespace glia
