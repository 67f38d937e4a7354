// The migrations as a script, without a connection.
#pragma once

#include <string>

namespace glia::postgres {

/// The version after this program's last migration.
int latest_schema_version();

/// Returns the SQL that migrates a schema from any version to `up_to`, for a DBA (`migrate --print`).
std::string migration_script(const std::string& schema, int up_to = latest_schema_version());

}  // namespace glia::postgres
