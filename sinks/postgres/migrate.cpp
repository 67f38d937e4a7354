#include "sinks/postgres/migrate.hpp"

#include "sinks/postgres/schema_script.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

int read_version(Transaction& tx, const std::string& schema) {
    if (!truth(tx.run(sql::schema_version, {schema})[0], "there")) return 0;
    return static_cast<int>(integer(tx.run(sql::read_version)[0], "version"));
}

}  // namespace

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
            // If several programs start at the same time, one migrates, and the others wait here until it is
            // done.
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

}  // namespace glia::postgres
