// Values of simdjson's DOM into the members of records, for bodies of a few hundred records: a listing of
// names, a chat. Pages of engagements are read on demand (value_reader.hpp).
#pragma once

#include <simdjson.h>

#include <string>
#include <vector>

#include "daemon/parse/canonical_json.hpp"
#include "sinks/records.hpp"

namespace glia {

// Each reads a value into its target: none for null. False, and none, for a value of another type.

bool read_text(simdjson::dom::element value, OptionalText& target);
bool read_time(simdjson::dom::element value, OptionalInstant& target);

/// Canonical JSON of a member that is kept without being understood. A value beyond what PostgreSQL's jsonb
/// holds becomes a text.
std::string canonical_member(simdjson::dom::element value);

/// Members as one canonical JSON object; none if there are none. Sorts `members`.
OptionalText object_of(std::vector<JsonMember>& members);

}  // namespace glia
