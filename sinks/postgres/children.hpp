// The rows of an engagement in the tables beside `engagements`.
#pragma once

#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Deletes them for these engagements. One statement for each table: distributed tables do not know several
/// that write at once (config/citus.sql).
void erase_children(Transaction& tx, const std::vector<std::string>& engagements);

}  // namespace glia::postgres
