// Copies new rows with binary COPY through libpq: libpqxx 6 and 7 only have text COPY, row by row, and escape
// each value.
#pragma once

#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/rows.hpp"

namespace glia::postgres {

/// Copies `rows` (encoded for COPY) into their table. Does nothing if there are none. Throws what libpqxx
/// throws for a failed statement: pqxx::unique_violation, another pqxx::sql_error, pqxx::broken_connection.
void copy(Transaction& tx, Rows rows);

}  // namespace glia::postgres
