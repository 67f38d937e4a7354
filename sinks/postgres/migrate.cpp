#include "sinks/postgres/migrate.hpp"

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

std::string migration_script(const std::string& schema) {
    const auto quoted = [&](char mark) {
        std::string text(1, mark);
        for (const char c : schema) text += c == mark ? std::string(2, mark) : std::string(1, c);
        return text + mark;
    };
    const std::string name = quoted('"');
    std::string script =
        "-- The schema of glia-sync, version " + std::to_string(latest_schema_version()) +
        ", for an empty database. Run it as the role that shall own the tables.\nBEGIN;\n"
        // IF NOT EXISTS would ask for the right to create one even where there is one.
        "DO $glia_sync$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = " +
        quoted('\'') + ") THEN CREATE SCHEMA " + name +
        "; END IF;\nEND $glia_sync$;\nSET LOCAL search_path = " + name + ";\n\n";
    script += sql::bootstrap;
    for (std::size_t i = 0; i < sql::migrations.size(); ++i) {
        script += "\n-- " + std::string(sql::migrations[i].name) + "\n" +
                  std::string(sql::migrations[i].text) + "\nINSERT INTO schema_version (version) VALUES (" +
                  std::to_string(i + 1) + ");\n";
    }
    return script + "COMMIT;\n";
}

}  // namespace glia::postgres
