// Times as text: ISO 8601 as the API, the configuration and the command line use it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Reads `2017-07-07T13:47:21.150Z` and its relatives: a space for the T, an offset (+02:00, +0200, +02) for
/// the Z or none (then UTC), any number of fraction digits (cut to microseconds), no seconds, or a bare date
/// (midnight UTC). None if it is not such a time or lies outside the years 1 to 9999. Never throws.
std::optional<Instant> parse_timestamp(std::string_view text);
/// The same, for those who read many: false, and `time` is as it was, for none.
bool parse_timestamp(std::string_view text, Instant& time);

/// Reads an HTTP date (RFC 9110 §5.6.7: IMF-fixdate, RFC 850 or asctime). None if it is not one.
std::optional<Instant> parse_http_date(std::string_view text);

/// Reads `500ms`, `30s`, `10m`, `24h`, `14d`. None if it is not one, negative, or longer than 100 years.
std::optional<Milliseconds> parse_duration(std::string_view text);

/// The inverse, in the largest unit that fits.
std::string to_text(Milliseconds duration);

}  // namespace glia
