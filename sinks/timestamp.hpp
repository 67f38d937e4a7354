// Parses and formats times: ISO 8601 as the API, the configuration and the command line use it.
// By hand: GCC 12 has no std::chrono::parse. The API's usual form has a fast path, which parse_page in
// tests/bench measures.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Parses `2017-07-07T13:47:21.150Z` and variants: lower-case letters; a space instead of the T; an offset
/// (+02:00, +0200, +02) or nothing (then UTC) instead of the Z; a comma instead of the point; any number of
/// fraction digits (truncated to microseconds); no seconds; or only a date (midnight UTC). Returns none for
/// any other text and for years outside 1 to 9999. Never throws.
std::optional<Instant> parse_timestamp(std::string_view text);
/// The same without an optional, which is faster. Returns false and leaves `time` unchanged on failure.
bool parse_timestamp(std::string_view text, Instant& time);

/// Reads an HTTP date (RFC 9110 §5.6.7: IMF-fixdate, RFC 850 or asctime). None if it is not one.
std::optional<Instant> parse_http_date(std::string_view text);

/// Parses `500ms`, `30s`, `10m`, `24h`, `14d`. None if the text is no duration, negative, or longer than 100
/// years.
std::optional<Milliseconds> parse_duration(std::string_view text);

/// The inverse, in the largest unit of which `duration` is a multiple.
std::string to_text(Milliseconds duration);

}  // namespace glia
