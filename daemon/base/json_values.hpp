// Converts values of records to JSON for output.
#pragma once

#include <boost/json.hpp>
#include <cmath>
#include <string>

#include "sinks/records.hpp"

namespace glia {

/// A string, or null.
inline boost::json::value to_json(const OptionalText& text) {
    return text ? boost::json::value(*text) : boost::json::value();
}
/// An ISO 8601 time as a string, or null.
inline boost::json::value to_json(const OptionalInstant& time) {
    return time ? boost::json::value(to_iso8601(*time)) : boost::json::value();
}
/// Whole seconds, or null: Boost.JSON writes every double with an exponent.
inline boost::json::value to_json(const std::optional<double>& seconds) {
    return seconds ? boost::json::value(std::llround(*seconds)) : boost::json::value();
}

}  // namespace glia
