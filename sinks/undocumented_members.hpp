// Finds undocumented members in the records' `extra` (DESIGN.md §3, undocumented_members). Names and kinds
// are not personal data and are always stored. Examples are stored only if privacy keeps the value.
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
    value     ///< of the documented type, but invalid: not a time, an id that is too long
};
const char* name_of(UndocumentedKind kind);

/// An undocumented member in one batch.
struct UndocumentedMember {
    UndocumentedKind kind = UndocumentedKind::unknown;
    std::string example;     ///< the value as JSON, at most kLongestExample bytes of it; empty: none
    std::string example_of;  ///< the engagement of the example: erasing it erases the example
    std::int64_t times = 0;  ///< number of records, or elements of lists, with this member
    bool operator==(const UndocumentedMember&) const = default;
};

/// Keyed by path: the names of the enclosing members and its own, joined by `.`, with `[]` after the name of
/// a list, as in `legs[].operator.name`.
using UndocumentedMembers = std::map<std::string, UndocumentedMember>;

constexpr std::size_t kLongestExample = 200;

/// The undocumented members of one engagement and of its legs.
struct UndocumentedOfRecord {
    UndocumentedMembers engagement;
    UndocumentedMembers legs;
    bool operator==(const UndocumentedOfRecord&) const = default;
};

/// Reads them from `extra`.
UndocumentedOfRecord undocumented_of(const Engagement& engagement);

/// Which examples privacy does not allow to be stored.
struct ForbiddenExamples {
    bool unknown = false;              ///< of members that the documentation does not know
    std::vector<std::string> members;  ///< of these members, wherever they stand

    bool any() const { return unknown || !members.empty(); }
};

/// Adds the undocumented members of an engagement, without its legs.
void collect_undocumented_members(const Engagement& engagement, UndocumentedMembers& members);
/// Adds the undocumented members of its legs.
void collect_undocumented_of_legs(const Engagement& engagement, UndocumentedMembers& members);

}  // namespace glia
