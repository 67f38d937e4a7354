// Text that comes from outside (the API, the database, a file's name) on its way to a terminal, a log line or
// an error line: nothing in it may move the cursor, hide what stands before it or begin a line of its own.
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// One line: control characters (C0, DEL, C1), separators of lines, marks of direction and invisible tags
/// become escapes such as `\u001b`, `\n` for a line end; bytes that are not UTF-8 become U+FFFD.
std::string printable(std::string_view text);

/// The same, with line ends and tabs kept; for a payload that is shown as it came.
std::string printable_lines(std::string_view text);

/// The same for JSON: the value stays the same. White space between values is kept.
std::string printable_json(std::string_view json);

}  // namespace glia
