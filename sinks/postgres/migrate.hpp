// Numbered, forward-only migrations (migrations/*.sql).
#pragma once

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// The version of the schema; 0 if there is none.
int schema_version(Connection& connection);

/// Applies the missing migrations, each in its own transaction, one program at a time. Returns the version.
/// Throws SinkError::schema if the schema is newer than this program.
int migrate(Connection& connection);

/// Throws SinkError::schema if `version` is newer than this program's.
void refuse_newer(int version);

/// The same for the column `schema_version` of rows that a claim returned. The schema may have been migrated
/// while this program runs, and it must not work on a schema that it does not know.
void refuse_newer_schema(const pqxx::result& claimed);

/// Throws SinkError::schema unless the schema is exactly at this program's version.
void require_latest(Connection& connection);

}  // namespace glia::postgres
