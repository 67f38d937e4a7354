#include "sinks/postgres/migrate.hpp"

#include <algorithm>

#include "sinks/postgres/postgres_sink.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

int read_version(Transaction& tx, const std::string& schema) {
    if (!truth(tx.run(sql::schema_version, {schema})[0], "there")) return 0;
    return static_cast<int>(integer(tx.run(sql::read_version)[0], "version"));
}

}  // namespace

int latest_schema_version() {
    return static_cast<int>(sql::migrations.size());
}

void refuse_newer(int version) {
    if (version > latest_schema_version()) {
        throw SinkError(SinkError::Kind::schema, "the schema is at version " + std::to_string(version) +
                                                     ", newer than this glia-sync (" +
                                                     std::to_string(latest_schema_version()) +
                                                     "): upgrade glia-sync");
    }
}

void refuse_newer_schema(const pqxx::result& claimed) {
    if (!claimed.empty()) refuse_newer(static_cast<int>(integer(claimed[0], "schema_version")));
}

int schema_version(Connection& connection) {
    int version = 0;
    connection.transact([&](Transaction& tx) { version = read_version(tx, connection.settings().schema); });
    return version;
}

void require_latest(Connection& connection) {
    const int version = schema_version(connection);
    refuse_newer(version);
    if (version < latest_schema_version()) {
        throw SinkError(SinkError::Kind::schema,
                        (version == 0 ? "there is no schema " + connection.settings().schema
                                      : "the schema is at version " + std::to_string(version) + " of " +
                                            std::to_string(latest_schema_version())) +
                            ": run `glia-sync migrate`");
    }
}

int migrate(Connection& connection) {
    const std::string& schema = connection.settings().schema;
    int version = schema_version(connection);
    refuse_newer(version);
    while (version < latest_schema_version()) {
        connection.transact([&](Transaction& tx) {
            // Programs that start together: one migrates, the others wait here and find it done.
            tx.run("SELECT pg_advisory_xact_lock(hashtextextended('glia-sync migrate ' || $1, 0))", {schema});
            version = read_version(tx, schema);
            if (version >= latest_schema_version()) return;
            tx.run("SET LOCAL statement_timeout = 0");
            if (version == 0) {
                const bool exists = !tx.run("SELECT FROM pg_namespace WHERE nspname = $1", {schema}).empty();
                if (!exists) tx.script("CREATE SCHEMA " + tx.quote_name(schema));
                tx.script(sql::bootstrap);
            }
            tx.script(sql::migrations[static_cast<std::size_t>(version)].text);
            ++version;
            tx.run(sql::record_version, {std::to_string(version)});
        });
    }
    refuse_newer(version);
    return version;
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
        ". What a database has already is left alone.\n-- Run it as the role that owns the tables, or shall "
        "own "
        "them.\nBEGIN;\n"
        // IF NOT EXISTS would ask for the right to create one even where there is one.
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
