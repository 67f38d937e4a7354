// Extracts the message from the body of an API error (spec: api-facts, Errors).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace glia {

/// Returns one line, safe to show (see one_line()); empty if the body has no text. Accepts any body: uses the
/// known members of objects and arrays of objects, else plain text, else HTML without its tags.
std::string error_text(std::string_view body);

/// Makes a server's text safe to show: control characters and runs of white space become one blank, the
/// text is truncated to `longest` bytes, and then invalid UTF-8 is repaired, which may lengthen it.
std::string one_line(std::string_view text, std::size_t longest = 300);

}  // namespace glia
