// Inspects the database for `check`.
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/postgres_sink.hpp"
#include "sinks/postgres/schema_script.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

/// Thrown out of a transaction to roll it back.
struct RollBack {};

/// Inserts, updates and deletes a row in every table and rolls back. Finds what the catalogue of privileges
/// does not show: a read-only role, row security, a trigger that raises an error, a sequence without
/// privileges.
std::optional<WriteFailure> try_writing(Connection& connection) {
    std::string table;
    try {
        connection.transact([&](Transaction& tx) {
            table.clear();
            const std::string probe =
                "glia-sync check " +
                std::to_string(integer(tx.run("SELECT pg_backend_pid() AS pid")[0], "pid"));
            for (const auto& statements : tx.run(sql::probe_tables, {connection.settings().schema, probe})) {
                table = text(statements, "name").value_or("");
                const auto inserted = tx.run(*text(statements, "insertion"));
                Params key;
                for (const auto& field : inserted[0]) key.emplace_back(field.c_str());
                if (const auto change = text(statements, "change")) tx.write(*change, key);
                tx.write(*text(statements, "deletion"), key);
            }
            throw RollBack{};
        });
    } catch (const RollBack&) {
    } catch (const SinkError& error) {
        return WriteFailure{table, error.what(), error.kind() == SinkError::Kind::unavailable};
    }
    return std::nullopt;
}

}  // namespace

Inspection inspect(const Settings& settings) {
    Connection connection(
        ConnectSettings{settings.dsn, settings.schema, settings.statement_timeout, settings.on_statement});
    Inspection seen;
    connection.transact([&](Transaction& tx) {
        const auto row = tx.run(sql::may_create, {settings.schema})[0];
        seen.server = text(row, "server").value_or("?");
        seen.database = text(row, "database").value_or("?");
        seen.role = text(row, "role").value_or("?");
        seen.standby = truth(row, "standby");
        seen.read_only = truth(row, "read_only");
        seen.may_create = truth(row, "may");
        seen.missing_privileges = text(tx.run(sql::missing_privileges, {settings.schema})[0], "missing");
        for (const auto& large : tx.run(sql::indexes_exceed_buffers, {settings.schema})) {
            seen.indexes = text(large, "indexes");
            seen.shared_buffers = text(large, "buffers").value_or("?");
        }
    });
    seen.schema_version = schema_version(connection);
    if (seen.schema_version > 0 && !seen.standby && !seen.read_only && !seen.missing_privileges)
        seen.write_failure = try_writing(connection);
    if (seen.schema_version == latest_schema_version()) {
        connection.transact([&](Transaction& tx) {
            seen.new_undocumented_members.clear();
            for (const auto& row : tx.run(sql::status_undocumented_members)) {
                if (truth(row, "is_new"))
                    seen.new_undocumented_members.push_back(*text(row, "path") + " (" + *text(row, "kind") +
                                                            ")");
            }
        });
    }
    return seen;
}

}  // namespace glia::postgres
