#include "sinks/postgres/copy.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

namespace glia::postgres {
namespace {

// Bytes per protocol message: large enough to make the message header negligible, small enough to keep
// libpq's buffer small.
constexpr std::size_t kPiece = std::size_t{64} * 1024;

struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ClearResult>;

/// Throws the exception that libpqxx would throw for this result.
[[noreturn]] void fail(PGconn* session, const PGresult* answer, const std::string& statement) {
    const char* code = answer ? PQresultErrorField(answer, PG_DIAG_SQLSTATE) : nullptr;
    const std::string state = code ? code : "";
    const std::string text = answer ? PQresultErrorMessage(answer) : PQerrorMessage(session);
    if (PQstatus(session) != CONNECTION_OK) throw pqxx::broken_connection(text);
    if (state == "23505") throw pqxx::unique_violation(text, statement, code);
    if (state.starts_with("40")) throw pqxx::transaction_rollback(text);  // libpqxx 6 takes only the text
    throw pqxx::sql_error(text, statement, code);
}

/// Reads the results until there are no more, so that the connection is ready for the next statement.
void end(PGconn* session, const std::string& statement) {
    PgResult failed;
    while (PgResult answer{PQgetResult(session)}) {
        if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK && !failed) failed = std::move(answer);
    }
    if (failed) fail(session, failed.get(), statement);
}

std::string statement_for(const Table& table) {
    std::string statement = "COPY " + std::string(table.name) + " (";
    for (const std::string_view column : table.columns) {
        if (statement.back() != '(') statement += ", ";
        statement += column;
    }
    return statement + ") FROM STDIN (FORMAT binary)";
}

void copy_slice(Transaction& tx, const std::string& statement, const std::string& slice) {
    tx.statement_begins();
    PGconn* session = tx.session();
    const PgResult begun{PQexec(session, statement.c_str())};
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) fail(session, begun.get(), statement);
    for (std::size_t sent = 0; sent < slice.size(); sent += kPiece) {
        const std::size_t piece = std::min(kPiece, slice.size() - sent);
        // The server may have refused a row already; the result that end() reads reports it.
        if (PQputCopyData(session, slice.data() + sent, static_cast<int>(piece)) != 1) break;
    }
    if (PQputCopyEnd(session, nullptr) != 1 && PQstatus(session) != CONNECTION_OK) {
        fail(session, nullptr, statement);
    }
    end(session, statement);
}

}  // namespace

void copy(Transaction& tx, Rows rows) {
    if (rows.empty()) return;
    const std::string statement = statement_for(rows.table());
    for (const std::string& slice : std::move(rows).slices()) copy_slice(tx, statement, slice);
}

}  // namespace glia::postgres
