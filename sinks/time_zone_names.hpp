// Maps Ruby on Rails' names of time zones, which the API uses (spec: directory-and-statistics), to IANA
// names, which PostgreSQL uses. By hand: no library has Ruby on Rails' names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace glia {

struct TimeZoneName {
    std::string_view display;  ///< such as `Eastern Time (US & Canada)`
    std::string_view iana;     ///< such as `America/New_York`
};

/// All of them, sorted by display name.
std::span<const TimeZoneName> time_zone_names();

/// Returns the IANA name of a time zone; none if unknown. Returns a text with the form of an IANA name
/// (`Europe/Tallinn`) unchanged.
std::optional<std::string> iana_time_zone(std::string_view name);

/// Returns the other name of a renamed time zone; none if the zone was not renamed. A server may know only
/// one of the two: an old tzdata lacks the new name, and Debian 13 has the old names in a separate package.
std::optional<std::string> other_iana_name(std::string_view iana);

}  // namespace glia
