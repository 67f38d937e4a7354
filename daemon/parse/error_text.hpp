// Extracts the message from the body of an API error (spec: api-facts, Errors).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace glia {

/// Returns one line of at most 300 bytes; empty if the body has no text. Accepts any body: uses the known
/// members of objects and arrays of objects, else plain text, else HTML without its tags.
std::string error_text(std::string_view body);

/// Makes a server's text safe to show: control characters and runs of white space become one blank, invalid
/// UTF-8 is repaired, and the text is truncated to `longest` bytes.
std::string one_line(std::string_view text, std::size_t longest = 300);

}  // namespace glia
