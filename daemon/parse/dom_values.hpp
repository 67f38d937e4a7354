// Reads values of simdjson's DOM into the members of records, for small bodies: a listing of names, a chat.
// Pages of engagements use simdjson's On-Demand API (value_reader.hpp).
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/engagement_parser.hpp"
#include "sinks/directory.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Parses a response body as one document. `root` is valid as long as `parser`. Returns none on success, else
/// the failure.
std::optional<ParseFailure> parse_document(std::string_view body, simdjson::dom::parser& parser,
                                           simdjson::dom::element& root);

// Each reads a value into its target. null empties the target. A value of another type empties it too, and
// the function returns false.

bool read_value(simdjson::dom::element value, OptionalText& target);
bool read_value(simdjson::dom::element value, OptionalInstant& target);
bool read_value(simdjson::dom::element value, OptionalFlag& target);
bool read_value(simdjson::dom::element value, OptionalInteger& target);
bool read_value(simdjson::dom::element value, OptionalTexts& target);

/// Returns the canonical JSON of a member that is stored without being interpreted. A value that jsonb cannot
/// hold becomes a string.
std::string canonical_member(simdjson::dom::element value);

/// Members as one canonical JSON object; none if there are none. Sorts `members`.
OptionalText object_of(std::vector<JsonMember>& members);

}  // namespace glia
