// Values of records as JSON, for the commands that print it.
#pragma once

#include <string>

#include "sinks/json_text.hpp"
#include "sinks/records.hpp"

namespace glia::cli {

/// A string, or null.
inline std::string json(const OptionalText& text) {
    return text ? json_quote(*text) : "null";
}
/// An ISO 8601 time as a string, or null.
inline std::string json(const OptionalInstant& time) {
    return time ? json_quote(to_iso8601(*time)) : "null";
}

}  // namespace glia::cli
