// Tombstones of forgotten engagements, visitors and operators, which prevent these from being written again
// (DESIGN.md §1, forget).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// Holds the id's digest, not the id, so that it identifies nobody.
struct Tombstone {
    enum class Kind { engagement, visitor, listed_operator };
    Kind kind = Kind::engagement;
    ContentHash digest{};          ///< bytes_hash() of the id
    OptionalInstant forgotten_at;  ///< none: not known
    bool operator==(const Tombstone&) const = default;
};

/// The stored names, in the order of Kind.
inline constexpr std::array<const char*, 3> kTombstoneKinds{"engagement", "visitor", "operator"};
inline const char* name_of(Tombstone::Kind kind) {
    return kTombstoneKinds.at(static_cast<std::size_t>(kind));
}
/// The inverse; none for another text.
inline std::optional<Tombstone::Kind> tombstone_kind(std::string_view name) {
    const auto found = std::find(kTombstoneKinds.begin(), kTombstoneKinds.end(), name);
    if (found == kTombstoneKinds.end()) return std::nullopt;
    return static_cast<Tombstone::Kind>(found - kTombstoneKinds.begin());
}

/// The kind of the person in a rejected record of this source: a visitor, or an operator in the operators'
/// listing.
const char* kind_of_person(std::string_view source);

/// Digests of the texts in a rejected record's payload that can be the id of a visitor or an operator: each
/// text, and what follows the last slash of a link. The payload need not be valid JSON.
std::vector<ContentHash> possible_person_digests(std::string_view payload);

}  // namespace glia
