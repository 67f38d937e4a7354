#include "sinks/statistics.hpp"

#include <algorithm>

#include "sinks/stream.hpp"
#include "sinks/timestamp.hpp"

namespace glia {

std::string to_reject_source(const RejectedStatistics& rejected) {
    return std::string(name_of(Stream::statistics)) + " " + name_of(rejected.source) + " " +
           to_iso8601(rejected.interval_start);
}

std::optional<RejectedStatistics> rejected_statistics(std::string_view source) {
    const std::string stream = std::string(name_of(Stream::statistics)) + " ";
    if (!source.starts_with(stream)) return std::nullopt;
    source.remove_prefix(stream.size());
    const std::string_view name = source.substr(0, source.find(' '));
    const auto* const named = std::find(kStatisticsSourceNames.begin(), kStatisticsSourceNames.end(), name);
    if (named == kStatisticsSourceNames.end() || name.size() == source.size()) return std::nullopt;
    const auto start = parse_timestamp(source.substr(name.size() + 1));
    if (!start) return std::nullopt;
    return RejectedStatistics{static_cast<StatisticsSource>(named - kStatisticsSourceNames.begin()), *start};
}

}  // namespace glia
