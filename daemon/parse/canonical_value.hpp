// canonical_json() of a value that simdjson has already come to. For the parsers alone, which keep simdjson
// from everybody else.
#pragma once

#include <simdjson.h>

#include <string>

namespace glia {

/// JSON that PostgreSQL's jsonb does not hold, and why: one line.
struct NotCanonical {
    std::string why;
};

/// The same as canonical_json() of its text, for a member to be kept; only that text which needs
/// repair_json() is refused here. Throws NotCanonical, and simdjson_error for what is not JSON.
std::string canonical_value(simdjson::ondemand::value& value);

}  // namespace glia
