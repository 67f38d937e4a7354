// The names that Ruby on Rails gives to time zones, in which the API tells that of a site (spec:
// directory-and-statistics), and their IANA names, which PostgreSQL knows.
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

/// The IANA name of a time zone. A name in the form of the IANA's (`Europe/Tallinn`) is taken as it is. None:
/// unknown.
std::optional<std::string> iana_time_zone(std::string_view name);

}  // namespace glia
