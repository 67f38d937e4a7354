// The rows of an engagement in its child tables.
#pragma once

#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Deletes the child rows of these engagements, and the examples of undocumented members that come from them.
/// One statement for each table: Citus does not support several writing CTEs in a statement
/// (config/citus.sql).
void erase_children(Transaction& tx, const std::vector<std::string>& engagements);

}  // namespace glia::postgres
