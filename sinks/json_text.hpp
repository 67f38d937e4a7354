// Converts text to and from JSON strings.
// By hand: content hashes and pseudonyms depend on the exact escapes, which Boost.JSON does not guarantee.
// Measured by encode_rows in tests/bench.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// Appends `text`, which is UTF-8, as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

/// Returns `text` as a JSON string.
std::string json_quote(std::string_view text);

/// The text of a JSON string; none if `json` is anything else.
std::optional<std::string> json_unquote(std::string_view json);

}  // namespace glia
