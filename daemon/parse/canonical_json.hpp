// Checks JSON values that the program stores without interpreting them, and brings them into a canonical
// form. By hand: content hashes depend on this form, and no library promises one. simdjson's serializer
// neither sorts members nor repairs texts. Measured by parse_page_with_undocumented_members in tests/bench.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glia {

/// A name and a canonical text.
using JsonMember = std::pair<std::string, std::string>;

/// Appends an object with these members. Sorts `members`; of duplicate names the last one is used.
void append_members(std::string& out, std::vector<JsonMember>& members);

/// Called for each member of each object, inner ones first. `path`: the names of the enclosing members,
/// joined by `/`; empty at the top level; lists add nothing. `text`: the member's canonical text, which the
/// rule may replace. Returns false to remove the member.
using MemberRule = std::function<bool(std::string_view path, std::string_view name, std::string& text)>;

/// Maximum nesting depth. PostgreSQL's stack allows a few thousand levels.
constexpr int kMaxDepth = 200;
constexpr std::string_view kNestedTooDeep = "nested too deep";
/// Maximum nesting depth of a member of `extra`: smaller, so that the whole of `extra` can be parsed again.
constexpr int kMaxMemberDepth = kMaxDepth - 10;

/// Returns the value after repair_json() in canonical form: members sorted, the last of duplicate names, no
/// white space, numbers as written. Applies `rule` to each member, if there is one. Returns none, with the
/// reason in `why`, if brackets, commas and colons do not form one JSON value, or if it is nested deeper than
/// `max_depth`.
std::optional<std::string> canonical_json(std::string_view json, std::string& why,
                                          const MemberRule& rule = nullptr, int max_depth = kMaxDepth);

}  // namespace glia
