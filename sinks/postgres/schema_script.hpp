// What this program's migrations are, for those who have no connection.
#pragma once

#include <string>

namespace glia::postgres {

/// The version that this program's migrations lead to.
int latest_schema_version();

/// The SQL that brings a schema to version `up_to` (or the latest), whatever version it is at; for a DBA
/// (`migrate --print`).
std::string migration_script(const std::string& schema, int up_to = latest_schema_version());

}  // namespace glia::postgres
