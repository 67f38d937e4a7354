// Tombstones out of one database and into another (DESIGN.md §1, forget).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/tombstone.hpp"

namespace glia::postgres {

/// See ErasureStore::tombstones().
std::vector<Tombstone> list_tombstones(Connection& connection, const std::optional<Tombstone>& after,
                                       std::int64_t limit);

/// See ErasureStore::add_tombstones().
std::int64_t add_tombstones(Connection& connection, const std::vector<Tombstone>& tombstones);

/// Some of what is stored and has a tombstone, found by reading on from `after` in the order of the key: a
/// digest cannot be searched for. Reading all of a table takes as many calls as it has pages of some thousand
/// rows, each a transaction of its own; an import is the one command that answers for every row (DESIGN.md
/// §3.11).
template <typename Key>
struct BuriedPage {
    std::vector<Key> buried;
    std::optional<Key> last;  ///< where to read on; none: that was the end of the table
};
BuriedPage<std::string> buried_engagements(Connection& connection, const std::string& after);
BuriedPage<std::int64_t> buried_rejects(Connection& connection, std::int64_t after);

}  // namespace glia::postgres
