// Erasure of operators (DESIGN.md §1, forget).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Erases the directory data of these operators. Returns the number of operators that were stored.
std::int64_t erase_operators(Transaction& tx, const std::vector<std::string>& ids);

/// Returns the forgotten ones among `ids`. Blocks `forget` until the transaction ends, so that the result
/// stays valid.
std::set<std::string, std::less<>> forgotten_operators(Transaction& tx, const std::vector<std::string>& ids);

}  // namespace glia::postgres
