#include "sinks/postgres/schema_script.hpp"

#include <algorithm>

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

int latest_schema_version() {
    return static_cast<int>(sql::migrations.size());
}

std::string migration_script(const std::string& schema, int up_to) {
    up_to = std::min(up_to, latest_schema_version());
    const auto quoted = [&](char mark) {
        std::string text(1, mark);
        for (const char c : schema) text += c == mark ? std::string(2, mark) : std::string(1, c);
        return text + mark;
    };
    const std::string name = quoted('"');
    std::string script =
        "-- The schema of glia-sync, up to version " + std::to_string(up_to) +
        ". Skips what the database already has.\n-- Run it as the role that owns the tables, or that is "
        "to own them.\nBEGIN;\n"
        // CREATE SCHEMA IF NOT EXISTS needs the privilege to create one even if it exists.
        "DO $glia_sync$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = " +
        quoted('\'') + ") THEN CREATE SCHEMA " + name +
        "; END IF;\nEND $glia_sync$;\nSET LOCAL search_path = " + name +
        ";\nSET LOCAL client_min_messages = warning;\n\n";
    script += sql::bootstrap;
    for (int i = 0; i < up_to; ++i) {
        const auto& migration = sql::migrations[static_cast<std::size_t>(i)];
        const std::string version = std::to_string(i + 1);
        script +=
            "\n\n-- " + std::string(migration.name) +
            "\nDO $glia_sync$ BEGIN\nIF NOT EXISTS (SELECT FROM schema_version WHERE version >= " + version +
            ") THEN EXECUTE $migration$\n" + std::string(migration.text) +
            "\n$migration$;\nINSERT INTO schema_version (version) VALUES (" + version +
            ");\nEND IF;\nEND $glia_sync$;\n";
    }
    return script + "COMMIT;\n";
}

}  // namespace glia::postgres
