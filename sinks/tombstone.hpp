// Tombstones: what stays of an engagement or a visitor that was forgotten, so that neither is written again
// (DESIGN.md §1, forget).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// Names nobody: it holds the id's digest, not the id.
struct Tombstone {
    enum class Kind { engagement, visitor };
    Kind kind = Kind::engagement;
    ContentHash digest{};          ///< bytes_hash() of the id
    OptionalInstant forgotten_at;  ///< none: not known
    bool operator==(const Tombstone&) const = default;
};

inline const char* name_of(Tombstone::Kind kind) {
    return kind == Tombstone::Kind::visitor ? "visitor" : "engagement";
}

/// Digests of the texts in a rejected record's payload that can be a visitor's id: each text, and what
/// follows the last slash of a link. The payload need not be valid JSON.
std::vector<ContentHash> possible_visitor_digests(std::string_view payload);

}  // namespace glia
