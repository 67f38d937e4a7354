// COPY of what is new, over libpq itself: libpqxx 6 and 7 send it row by row, each value escaped on its own.
#pragma once

#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/rows.hpp"

namespace glia::postgres {

/// Adds `rows` (encoded for COPY) to their table; nothing if there are none. Throws what libpqxx throws for a
/// statement that fails: pqxx::unique_violation, other pqxx::sql_error, pqxx::broken_connection.
void copy(Transaction& tx, Rows rows);

}  // namespace glia::postgres
