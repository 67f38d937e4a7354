// What the API sends beyond its documentation, by where it stands (DESIGN.md §3, undocumented_members): found
// in what records keep as `extra`. Names and kinds are not personal, and stay whatever privacy says; examples
// are of what it keeps.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// Why a member is in `extra`.
enum class UndocumentedKind {
    unknown,  ///< the documentation does not know it
    type,     ///< of another type than documented
    value     ///< of the documented type, but not such a value: a time that is none, an id that is too long
};
const char* name_of(UndocumentedKind kind);

/// A member as records of one batch show it.
struct UndocumentedMember {
    UndocumentedKind kind = UndocumentedKind::unknown;
    std::string example;     ///< the value as JSON, at most kLongestExample bytes of it; empty: none
    std::string example_of;  ///< the engagement that the example is from, so that it can be erased with it
    std::int64_t times = 0;  ///< records, or elements of lists, that showed it
    bool operator==(const UndocumentedMember&) const = default;
};

/// By path: the names of the members above and its own, joined by `.`, with `[]` behind the name of a list,
/// as in `legs[].operator.name`.
using UndocumentedMembers = std::map<std::string, UndocumentedMember>;

constexpr std::size_t kLongestExample = 200;

/// Those of one engagement, and those of its legs.
struct UndocumentedOfRecord {
    UndocumentedMembers engagement;
    UndocumentedMembers legs;
    bool operator==(const UndocumentedOfRecord&) const = default;
};

/// Reads them from `extra`.
UndocumentedOfRecord undocumented_of(const Engagement& engagement);

/// Which examples may not be kept, because privacy does not keep such values.
struct ForbiddenExamples {
    bool unknown = false;              ///< of members that the documentation does not know
    std::vector<std::string> members;  ///< of these members, wherever they stand

    bool any() const { return unknown || !members.empty(); }
};

/// Adds what an engagement holds beyond its documentation, without its legs.
void collect_undocumented(const Engagement& engagement, UndocumentedMembers& members);
/// The same of its legs.
void collect_undocumented_of_legs(const Engagement& engagement, UndocumentedMembers& members);

}  // namespace glia
