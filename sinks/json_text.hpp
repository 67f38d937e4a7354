// Text as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// Appends `text`, which is UTF-8, as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

/// The same as a value.
std::string json_quote(std::string_view text);

/// The inverse of json_quote(); none if the text is not what it makes.
std::optional<std::string> json_unquote(std::string_view json);

}  // namespace glia
