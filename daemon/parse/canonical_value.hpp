// canonical_json() for a simdjson value. Only the parsers include this header: simdjson stays inside
// daemon/parse.
#pragma once

#include <simdjson.h>

#include <string>

namespace glia {

/// JSON that PostgreSQL's jsonb does not hold, and why: one line.
struct NotCanonical {
    std::string why;
};

/// Returns the same as canonical_json() of the value's text with kMaxMemberDepth, but refuses text that needs
/// repair_json(). Only an escaped U+0000 is replaced as there. Throws NotCanonical, or simdjson_error if the
/// value is not JSON.
std::string canonical_value(simdjson::ondemand::value& value);

}  // namespace glia
