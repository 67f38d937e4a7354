// Exports and imports tombstones (DESIGN.md §1, forget).
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

/// A page of stored rows that have a tombstone. An index cannot find an id by its digest, so the search reads
/// the whole table in the order of its key, page by page, each in its own transaction. An import is the only
/// command that has to check every row (DESIGN.md §3.11).
template <typename Key>
struct TombstonedPage {
    std::vector<Key> with_tombstone;
    std::optional<Key> last;  ///< the next page starts after it; none at the end of the table
};
TombstonedPage<std::string> tombstoned_engagements(Connection& connection, const std::string& after);
TombstonedPage<std::int64_t> tombstoned_rejects(Connection& connection, std::int64_t after);
TombstonedPage<std::string> tombstoned_operators(Connection& connection, const std::string& after);

}  // namespace glia::postgres
