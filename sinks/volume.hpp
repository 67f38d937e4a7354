// Compares the engagements of a site per hour with their usual number (the view `volume`): decisions only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// What is known of a site's engagements, before they are counted by hour.
struct VolumeSite {
    std::string site_id;
    Instant complete_through{};  ///< the watermark
    OptionalInstant newest;      ///< start of the newest hour that is counted; none: no hour is
};

/// A counted hour of a site.
struct VolumeHour {
    Instant start{};
    std::int64_t local_day = 0;  ///< of the site's time zone, in days since 1970
    std::int64_t engagements = 0;
    /// Median of the same local hour of the week over eight weeks. None: a holiday, or fewer than four of
    /// those hours are known.
    std::optional<double> expected;
};

/// A day of a site by the site's own clock, as far as its hours are counted.
struct VolumeDay {
    std::int64_t day = 0;  ///< in days since 1970
    std::int64_t engagements = 0;
    /// Sum of the expected numbers of the counted hours. None: one of them has no expected number.
    std::optional<double> expected;
    bool is_holiday = false;  ///< the day is in the table `holidays`

    bool operator==(const VolumeDay&) const = default;
};

/// The newest hours of a site, taken together.
struct VolumeStatus {
    std::int64_t hours = 0;
    double expected = 0;
    std::int64_t seen = 0;
    /// A lower number is unusual. 0: no decision is possible, because too little is expected or known.
    double low_threshold = 0;
    /// Hours of a day were left out because that day began with few engagements, as a holiday does.
    bool has_quiet_day = false;

    bool is_low() const { return static_cast<double>(seen) < low_threshold; }
    bool operator==(const VolumeStatus&) const = default;
};

/// Sums up the newest hours until a hundred engagements are expected, at most 24 hours back. `hours`: the
/// hours of the last three days, in order; more do no harm.
///
/// A day whose first hours have too few engagements may be a public holiday that is not in the table
/// `holidays`. It is left out, unless the day before began like that too. So an outage that begins during a
/// day is detected within hours, but one that begins before the site opens is detected a day later.
VolumeStatus judge_volume(const std::vector<VolumeHour>& hours);

/// Returns the number of engagements below which the volume is unusual; 0 if too few are expected for a
/// decision.
double low_volume_threshold(double expected);

}  // namespace glia
