// Which hours of engagements to count now (the table volume_hours). Decisions only; volume.hpp performs them.
#pragma once

#include <vector>

#include "sinks/durations.hpp"
#include "sinks/volume.hpp"

namespace glia {

/// Engagements created in [from, before) are counted by hour, in one statement.
struct VolumeRange {
    Instant from{};
    Instant before{};
    bool operator==(const VolumeRange&) const = default;
};

/// Returns the ranges to count now, the oldest first. An hour is complete once the watermark of its site has
/// passed it.
///   - Each time: the last three complete hours, for late arrivals.
///   - After each new complete hour: the last 26 hours, which the first revisit tier reads again.
///   - After each new day: the last eight weeks and three days, for backfills and later revisits.
/// The newest hours are counted last, so that an interrupted range is counted again. Returns nothing if no
/// site has a watermark.
std::vector<VolumeRange> volume_ranges(const std::vector<VolumeSite>& sites);

/// How long counted hours are kept.
inline constexpr std::chrono::hours kVolumeKept{400 * 24};

}  // namespace glia
