// Reads simdjson On-Demand values into the members of records. Only the parsers include this header: simdjson
// stays inside daemon/parse.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "sinks/records.hpp"

namespace glia {

/// A record that cannot be loaded, and why: one line.
struct BadRecord {
    std::string reason;
};

/// Throws BadRecord: the value of `field` is bad.
[[noreturn]] void reject(std::string_view field, std::string_view what);
/// Shortens a value for an error message.
std::string shown(std::string_view value);

bool is_null(simdjson::ondemand::value& value);
/// Called when reading `value` failed with `error`. Returns true if the value is null, which every type
/// accepts, and false if it has another type. Throws simdjson_error if it is not JSON.
bool is_null_instead(simdjson::ondemand::value& value, simdjson::error_code error);

/// The text of a value as it stands in the body.
std::string_view raw_value(simdjson::ondemand::value& value);
/// Strips trailing white space.
std::string_view trimmed(std::string_view text);

/// Reads a string; null empties `target`. A value of another type empties it too and returns false.
bool read_text(simdjson::ondemand::value& value, RecordText& target);

/// True for a text that PostgreSQL can index: a B-tree refuses keys over a third of a page. The API's ids are
/// much shorter.
inline bool is_id(std::string_view text) {
    constexpr std::size_t kLongestId = 1000;
    return text.size() <= kLongestId;
}
/// True for a text that can identify an engagement: PostgreSQL can store and index it, and it holds no
/// U+FFFD, which replaces characters that cannot be stored.
bool is_engagement_id(std::string_view text);

// Each reader sets its target instead of returning an optional, which saves a copy. For a value of another
// type it empties the target and returns false.

bool read_seconds(simdjson::ondemand::value& value, OptionalInteger& target);
bool read_flag(simdjson::ondemand::value& value, OptionalFlag& target);

/// Returns the last segment of a URL's path.
std::string_view last_segment(std::string_view path);

}  // namespace glia
