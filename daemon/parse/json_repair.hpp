// Repairs text that is nearly JSON, token by token: what stands inside strings, and numbers and words that
// JSON does not know. Brackets, commas and colons stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// The document in a response body: without a byte order mark before it, and without NUL and white space
/// after it. Everything else around a document stays, and makes it invalid: what a server appends to an
/// answer (a second document, an error message) means that the answer is not what it seems.
std::string_view json_document(std::string_view body);

/// Makes every token of `json` one that JSON knows and PostgreSQL's jsonb can hold:
/// - bytes in a string that are not UTF-8, NUL (raw or `\u0000`) and surrogates without a partner become
///   U+FFFD; other raw control characters become escapes; a backslash that begins no escape is a backslash;
/// - a number or word that JSON does not know (`01`, `NaN`, `-`, `truE`), or a number out of jsonb's range
///   (exponents over 1,000, more than 1,000 digits), becomes a string of the same characters;
/// - control characters between tokens become spaces.
/// Valid JSON without such escapes and numbers comes out byte for byte.
std::string repair_json(std::string_view json);

/// repair_json() for simdjson's DOM, which refuses the whole document for one number that no machine type
/// holds (an integer beyond 64 bits, a number beyond a double): such a number becomes a string of the same
/// characters too.
std::string repair_for_dom(std::string_view json);

/// True for a number that JSON knows and jsonb can hold.
bool is_storable_number(std::string_view text);

}  // namespace glia
