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

/// A name and a canonical text.
using JsonMember = std::pair<std::string, std::string>;

/// Appends the object that has these members, which are sorted on the way; of one name twice the last counts.
void append_members(std::string& out, std::vector<JsonMember>& members);

/// Called for each member of each object, the inner ones first: the names of the members above it, joined by
/// `/` (empty at the top; lists count for nothing), its own, and its canonical text, which may be replaced.
/// False leaves the member out.
using MemberRule = std::function<bool(std::string_view path, std::string_view name, std::string& text)>;

/// How deep a value may be nested: PostgreSQL reads a few thousand levels before its stack ends.
constexpr int kMaxDepth = 200;
constexpr std::string_view kNestedTooDeep = "nested too deep";
/// The same of a member that is kept in `extra`, so that the whole of it can be read again.
constexpr int kMaxMemberDepth = kMaxDepth - 10;

/// The value with sorted members (of one name twice the last counts), no white space, numbers as they stood,
/// after repair_json(). Members go by `rule`, if there is one. None, with the reason in `why`, if brackets,
/// commas and colons are not those of one JSON value, or if it is nested deeper than `max_depth`.
std::optional<std::string> canonical_json(std::string_view json, std::string& why,
                                          const MemberRule& rule = nullptr, int max_depth = kMaxDepth);

}  // namespace glia
