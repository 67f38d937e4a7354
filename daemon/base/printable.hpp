// Makes untrusted text (from the API, the database, a file's name) safe to print: it cannot move the cursor,
// hide other text or start a line.
// By hand: spdlog writes control characters and bidirectional marks unchanged.
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// Returns the text as one line. Control characters (C0, DEL, C1), line separators, bidirectional marks and
/// invisible tags become escapes such as `\u001b`; a line end becomes `\n`; invalid UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

/// The same, but keeps line ends and tabs. For payloads shown as received.
std::string printable_lines(std::string_view text);

/// The same for a JSON text: the result is JSON with the same value. Keeps white space between values.
std::string printable_json(std::string_view json);

}  // namespace glia
