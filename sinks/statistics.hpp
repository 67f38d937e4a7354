// Interval statistics of the source (spec: directory-and-statistics, Statistics): waits in queues, handling,
// wrap-up, and operators' time by state.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {

/// The endpoints of statistics. Each fills one table.
enum class StatisticsSource { queue_wait, handle, wrap_up, operator_state };

inline constexpr std::array kStatisticsSources{StatisticsSource::queue_wait, StatisticsSource::handle,
                                               StatisticsSource::wrap_up, StatisticsSource::operator_state};
inline constexpr std::array<const char*, 4> kStatisticsSourceNames{"queue_wait", "handle", "wrap_up",
                                                                   "operator_state"};
/// The value of statistics_state.source.
inline const char* name_of(StatisticsSource source) {
    return kStatisticsSourceNames.at(static_cast<std::size_t>(source));
}

/// [start, start + length), by the clock of the API server.
struct StatisticsInterval {
    Instant start{};
    Seconds length{};

    Instant end() const { return start + length; }
    bool operator==(const StatisticsInterval&) const = default;
};

// Each struct is one element of a response. A missing dimension is an empty text; a missing measure is none.

/// Visitors whose wait in a queue ended within the interval.
struct QueueWaitCount {
    OptionalInstant interval_start;
    OptionalInteger interval_seconds;
    std::string site_id, queue_id, outcome, from_transfer, media;
    OptionalInteger count;
    OptionalInteger total_seconds;
    OptionalInteger maximum_seconds;
    OptionalInteger within_service_level;
    OptionalInteger short_waits;
    bool operator==(const QueueWaitCount&) const = default;
};

/// Legs that ended within the interval.
struct HandleCount {
    OptionalInstant interval_start;
    OptionalInteger interval_seconds;
    std::string site_id, queue_id, operator_id, type, end_reason;
    OptionalInteger count;
    OptionalInteger total_seconds;
    bool operator==(const HandleCount&) const = default;
};

/// Wrap-up: operators' work after the conversation.
struct WrapUpCount {
    OptionalInstant interval_start;
    OptionalInteger interval_seconds;
    std::string site_id, queue_id, operator_id;
    OptionalInteger count;
    OptionalInteger total_seconds;
    bool operator==(const WrapUpCount&) const = default;
};

/// Time that an operator spent in a state.
struct OperatorStateTime {
    OptionalInstant interval_start;
    OptionalInteger interval_seconds;
    std::string site_id, operator_id, state;
    OptionalInteger seconds;
    bool operator==(const OperatorStateTime&) const = default;
};

/// The elements of one response; the alternatives are in the order of StatisticsSource.
using StatisticsRows = std::variant<std::vector<QueueWaitCount>, std::vector<HandleCount>,
                                    std::vector<WrapUpCount>, std::vector<OperatorStateTime>>;

/// The response whose element is in a row of rejected_records.
struct RejectedStatistics {
    StatisticsSource source = StatisticsSource::queue_wait;
    Instant interval_start{};
    bool operator==(const RejectedStatistics&) const = default;
};
/// The value of rejected_records.source: `statistics SOURCE START`.
std::string to_reject_source(const RejectedStatistics& rejected);
/// The inverse; none for records of engagements and of listings.
std::optional<RejectedStatistics> rejected_statistics(std::string_view source);

/// A response for one site and interval.
struct StatisticsResponse {
    StatisticsSource source = StatisticsSource::queue_wait;
    StatisticsInterval interval;
    StatisticsRows rows;
    Instant fetched_at{};                    ///< when it was requested, by the API server's clock
    std::vector<RejectedRecord> rejected{};  ///< the unreadable elements
    UndocumentedMembers undocumented_members;

    /// False if an element could not be read: then a row missing from `rows` may still exist at the source.
    bool every_row_known() const { return rejected.empty(); }
};

}  // namespace glia
