// What an API error body says, in whatever shape it comes (spec: api-facts, Errors).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace glia {

/// One line of at most 300 bytes; empty if the body says nothing. Never fails on the shape: known members of
/// objects and arrays of objects, else plain text, else HTML without its tags.
std::string error_text(std::string_view body);

/// Text of the server's, fit to be shown to a person: control characters and runs of white space become one
/// blank, bytes that are not UTF-8 are repaired, and what is longer than `longest` bytes is cut.
std::string one_line(std::string_view text, std::size_t longest = 300);

}  // namespace glia
