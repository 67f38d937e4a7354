// Interval statistics as records (spec: directory-and-statistics, Statistics).
#pragma once

#include <string>
#include <vector>

#include "daemon/parse/engagement_parser.hpp"
#include "sinks/statistics.hpp"

namespace glia {

/// The elements of one response.
struct StatisticsPage {
    StatisticsRows rows;
    std::vector<RejectedRecord> rejected;  ///< the reasons contain no values
    UndocumentedMembers undocumented_members;
};

/// Parses the response for one site and interval: a bare array. A missing or null dimension becomes an empty
/// text; a missing site becomes the requested one. A measure of another type than documented stays empty.
/// Elements of another site are skipped: that site's response has them. Elements with the same dimensions are
/// added up; of their maximums the largest is used. A broken element is rejected alone.
Parsed<StatisticsPage> parse_statistics(StatisticsSource source, const std::string& site_id,
                                        const StatisticsInterval& interval, std::string& body);

}  // namespace glia
