// JSON values that the program keeps but does not understand: checked, and in one form whatever form they
// came in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glia {

/// Repairs what JSON allows and PostgreSQL does not: `\u0000` and escaped surrogates without a partner become
/// U+FFFD. Works on the text of a JSON value; what is not an escape is left alone.
std::string repair_escapes(std::string_view json);

/// With U+FFFD for each U+0000, which PostgreSQL does not store.
std::string without_nul(std::string_view text);

/// Replaces every byte that is not part of valid UTF-8 by U+FFFD.
std::string repair_utf8(std::string_view text);

/// A name and a canonical text.
using JsonMember = std::pair<std::string, std::string>;

/// Appends the object that has these members, which are sorted on the way; of one name twice the last counts.
void append_members(std::string& out, std::vector<JsonMember>& members);

/// Called for each member of each object, the inner ones first: the names of the members above it, joined by
/// `/` (empty at the top; lists count for nothing), its own, and its canonical text, which may be replaced.
/// False leaves the member out.
using MemberRule = std::function<bool(std::string_view path, std::string_view name, std::string& text)>;

/// The value with sorted members (of one name twice the last counts), no white space, numbers as they stood.
/// Members go by `rule`, if there is one. None, with the reason in `why`, if it is not valid JSON
/// or beyond what PostgreSQL's jsonb holds (depth over 200, numbers of more than 1,000 digits or exponents
/// over 1,000).
std::optional<std::string> canonical_json(std::string_view json, std::string& why,
                                          const MemberRule& rule = nullptr);

}  // namespace glia
