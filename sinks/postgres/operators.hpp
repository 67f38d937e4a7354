// Operators that were forgotten (DESIGN.md §1, forget).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Erases everything that listings told of them. Returns how many were stored.
std::int64_t erase_operators(Transaction& tx, const std::vector<std::string>& ids);

/// Those of them that were forgotten. Nobody else is until the transaction ends.
std::set<std::string, std::less<>> forgotten_operators(Transaction& tx, const std::vector<std::string>& ids);

}  // namespace glia::postgres
