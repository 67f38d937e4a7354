// JSON values where simdjson stands in a body: what they are, and their reading into the members of records.
// For the parsers alone, which keep simdjson from everybody else.
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

/// The record is bad because of what stands in `field`. Throws BadRecord.
[[noreturn]] void reject(std::string_view field, std::string_view what);
/// A value as a reason shows it: not more than a person needs to see.
std::string shown(std::string_view value);

bool is_null(simdjson::ondemand::value& value);
/// After an attempt to read `value` that ended with `error`: true if it is null, which is as good as a value
/// of any type, false if it is of another type. Throws simdjson_error if it is not JSON.
bool is_null_instead(simdjson::ondemand::value& value, simdjson::error_code error);

/// The text of a value as it stands in the body.
std::string_view raw_value(simdjson::ondemand::value& value);
/// Without white space at its end.
std::string_view trimmed(std::string_view text);

/// Reads a text; none for null. False, and there is none, if the value is of another type.
bool read_text(simdjson::ondemand::value& value, RecordText& target);

/// True for a text that PostgreSQL can index: its B-tree refuses keys over a third of a page, and no id of
/// the API comes near.
inline bool is_id(std::string_view text) {
    constexpr std::size_t kLongestId = 1000;
    return text.size() <= kLongestId;
}
/// True for a text that can tell an engagement from all others: PostgreSQL can hold and index it, and no
/// character of it stands for one that could not be kept.
bool is_engagement_id(std::string_view text);

// Each reader sets its target instead of returning a value: a returned optional would be put together on the
// stack and copied as a whole. Each returns false, and leaves its target empty, for a value of another type.

bool read_seconds(simdjson::ondemand::value& value, OptionalSeconds& target);
bool read_flag(simdjson::ondemand::value& value, OptionalFlag& target);

/// What follows the last slash of a URL's path.
std::string_view last_segment(std::string_view path);

}  // namespace glia
