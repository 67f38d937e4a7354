// Numbered, forward-only migrations (migrations/*.sql).
#pragma once

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// The version of the schema; 0 if there is none.
int schema_version(Connection& connection);

/// Applies what is missing, each migration in a transaction of its own, one program at a time. Returns the
/// version. Throws SinkError::schema if the schema is newer than this program.
int migrate(Connection& connection);

/// Throws SinkError::schema if `version` is newer than this program's.
void refuse_newer(int version);

/// The same, by the column `schema_version` of rows that a claim returned: work is taken on only in a schema
/// that this program knows, and a newer one may have come while it ran.
void refuse_newer_schema(const pqxx::result& claimed);

/// Throws SinkError::schema unless the schema is exactly at this program's version.
void require_latest(Connection& connection);

}  // namespace glia::postgres
