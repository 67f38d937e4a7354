// Repairs text that is nearly JSON, token by token: the contents of strings, and invalid numbers and words.
// Brackets, commas and colons stay unchanged.
// By hand: simdjson and Boost.JSON refuse a whole document for one wrong byte (DESIGN.md §3.5).
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// Returns the document in a response body: strips a leading byte order mark and trailing NULs and white
/// space. Anything else around the document stays and makes it invalid: if a server appends a second document
/// or an error message, the response cannot be trusted.
std::string_view json_document(std::string_view body);

/// Makes every token of `json` valid in JSON and in PostgreSQL's jsonb:
/// - in a string, invalid UTF-8, NUL (raw or `\u0000`) and lone surrogates become U+FFFD; other raw control
///   characters become escapes; a backslash that starts no valid escape is escaped itself;
/// - an invalid number or word (`01`, `NaN`, `-`, `truE`), and a number that is too long (an exponent over
///   1,000 or under -1,000, more than 1,000 characters), becomes a string of the same characters;
/// - control characters between tokens become spaces.
/// Valid JSON without such escapes and numbers stays byte for byte.
std::string repair_json(std::string_view json);

/// repair_json() for simdjson's DOM, which refuses a whole document for one number out of range (an integer
/// beyond 64 bits, a number beyond a double). Such a number becomes a string of the same characters too.
std::string repair_for_dom(std::string_view json);

/// True for a valid JSON number that repair_json() keeps: jsonb holds even larger ones.
bool is_storable_number(std::string_view text);

}  // namespace glia
