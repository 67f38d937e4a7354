#include "sinks/sqlite/connection.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "sinks/json_text.hpp"
#include "sinks/sink_error.hpp"
#include "sinks/sqlite/sql.hpp"

namespace glia::sqlite {
namespace {

constexpr int kBusyMilliseconds = 10'000;

SinkError::Kind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_NOMEM:
            return SinkError::Kind::unavailable;
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return SinkError::Kind::misconfigured;
        default:
            return SinkError::Kind::internal;
    }
}

void now_function(sqlite3_context* context, int, sqlite3_value**) {
    const auto* state = static_cast<const Connection*>(sqlite3_user_data(context));
    sqlite3_result_int64(context, state->now().time_since_epoch().count());
}

Instant clock_now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace

OptionalText Row::text(std::size_t column) const {
    const auto* found = std::get_if<std::string>(&values_.at(column));
    return found ? OptionalText(*found) : std::nullopt;
}

std::int64_t Row::integer(std::size_t column) const {
    const auto* found = std::get_if<std::int64_t>(&values_.at(column));
    return found ? *found : 0;
}

OptionalInstant Row::instant(std::size_t column) const {
    const auto* found = std::get_if<std::int64_t>(&values_.at(column));
    return found ? OptionalInstant(Instant{std::chrono::microseconds{*found}}) : std::nullopt;
}

std::optional<double> Row::real(std::size_t column) const {
    if (const auto* number = std::get_if<double>(&values_.at(column))) return *number;
    if (const auto* whole = std::get_if<std::int64_t>(&values_.at(column)))
        return static_cast<double>(*whole);
    return std::nullopt;
}

Value value(const OptionalText& text) {
    return text ? Value(*text) : Value();
}

Value value(const OptionalInstant& time) {
    return time ? Value(std::int64_t{time->time_since_epoch().count()}) : Value();
}

Value value(std::chrono::microseconds duration) {
    return std::int64_t{duration.count()};
}

Value micros(Instant time) {
    return std::int64_t{time.time_since_epoch().count()};
}

Value error_value(const std::string& error) {
    return error.empty() ? Value() : Value(error);
}

std::string list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? "," : "") + json_quote(text);
    return out + "]";
}

/// Of what list() makes: strings, escaped by json_quote().
std::vector<std::string> texts(const std::string& list) {
    std::vector<std::string> found;
    for (std::size_t at = 1; at + 1 < list.size();) {
        std::size_t end = at + 1;
        while (end < list.size() && list[end] != '"') end += list[end] == '\\' ? 2 : 1;
        found.push_back(json_unquote(std::string_view(list).substr(at, end + 1 - at)).value_or(""));
        at = end + 2;  // behind the comma
    }
    return found;
}

Connection::Connection(std::string path, bool write, const files::OnTightened& on_tightened)
    : path_(std::move(path)), now_(clock_now()) {
    if (write) {
        // Made here, as SQLite would let everybody read it; what SQLite makes beside it takes its mode.
        const int made = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, files::kStateMode);
        if (made >= 0) close(made);
        for (const char* beside : {"", "-wal", "-shm", "-journal"})
            files::tighten(path_ + beside, files::kStateMode, on_tightened);
    }
    const int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path_.c_str(), &database_, flags | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
        const std::string why = database_ ? sqlite3_errmsg(database_) : "out of memory";
        sqlite3_close(database_);
        throw SinkError(SinkError::Kind::misconfigured,
                        "the state file " + path_ + " cannot be opened: " + why + "; is sink.ndjson right?");
    }
    sqlite3_busy_timeout(database_, kBusyMilliseconds);
    sqlite3_extended_result_codes(database_, 1);
    sqlite3_create_function(database_, "now", 0, SQLITE_UTF8, this, now_function, nullptr, nullptr);
    if (!write) return;
    execute("PRAGMA journal_mode = WAL");
    execute("PRAGMA synchronous = FULL");  // a commit is on the disk before the next step relies on it
}

Connection::~Connection() {
    for (const auto& [text, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(database_);
}

void Connection::fail(const std::string& doing) const {
    throw SinkError(kind_of(sqlite3_extended_errcode(database_)),
                    doing + " the state file " + path_ + ": " + sqlite3_errmsg(database_));
}

void Connection::execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("setting up");
}

int Connection::version() {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, "PRAGMA user_version", -1, &statement, nullptr) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        sqlite3_finalize(statement);
        fail("reading");
    }
    const int version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

int Connection::migrate() {
    const int latest = static_cast<int>(sql::migrations.size());
    for (int version = this->version(); version < latest; ++version) {
        const auto& migration = sql::migrations[static_cast<std::size_t>(version)];
        const std::string script = "BEGIN IMMEDIATE;\n" + std::string(migration.text) +
                                   "\nPRAGMA user_version = " + std::to_string(version + 1) + ";\nCOMMIT;";
        if (sqlite3_exec(database_, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
            sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
            fail("bringing to version " + std::to_string(version + 1));
        }
    }
    if (version() > latest) {
        throw SinkError(SinkError::Kind::schema, "the state file " + path_ + " is at version " +
                                                     std::to_string(version()) + ", and this program knows " +
                                                     std::to_string(latest) + "; use a newer glia-sync");
    }
    return latest;
}

void Connection::require_latest() {
    const int latest = static_cast<int>(sql::migrations.size());
    if (const int found = version(); found != latest) {
        throw SinkError(SinkError::Kind::schema, "the state file is at version " + std::to_string(found) +
                                                     ", not " + std::to_string(latest) +
                                                     "; run `glia-sync migrate`");
    }
}

sqlite3_stmt* Connection::prepare(std::string_view sql) {
    sqlite3_stmt*& statement = statements_[sql.data()];
    if (!statement && sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
        fail("a statement does not fit");
    }
    return statement;
}

std::vector<Row> Connection::run(std::string_view sql, const Values& values) {
    sqlite3_stmt* statement = prepare(sql);
    struct Reset {
        sqlite3_stmt* statement;
        ~Reset() {
            sqlite3_reset(statement);
            sqlite3_clear_bindings(statement);
        }
    } const reset{statement};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const int place = static_cast<int>(i) + 1;
        if (const auto* whole = std::get_if<std::int64_t>(&values[i])) {
            sqlite3_bind_int64(statement, place, *whole);
        } else if (const auto* real = std::get_if<double>(&values[i])) {
            sqlite3_bind_double(statement, place, *real);
        } else if (const auto* text = std::get_if<std::string>(&values[i])) {
            sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()), SQLITE_STATIC);
        }
    }
    std::vector<Row> rows;
    for (;;) {
        const int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) return rows;
        if (code != SQLITE_ROW) fail("writing");
        Values row;
        for (int i = 0; i < sqlite3_column_count(statement); ++i) {
            switch (sqlite3_column_type(statement, i)) {
                case SQLITE_INTEGER:
                    row.emplace_back(std::int64_t{sqlite3_column_int64(statement, i)});
                    break;
                case SQLITE_FLOAT:
                    row.emplace_back(sqlite3_column_double(statement, i));
                    break;
                case SQLITE_NULL:
                    row.emplace_back();
                    break;
                default:
                    row.emplace_back(
                        std::string(reinterpret_cast<const char*>(sqlite3_column_text(statement, i)),
                                    static_cast<std::size_t>(sqlite3_column_bytes(statement, i))));
            }
        }
        rows.emplace_back(std::move(row));
    }
}

std::int64_t Connection::write(std::string_view sql, const Values& values) {
    run(sql, values);
    return sqlite3_changes(database_);
}

void Connection::transact(const std::function<void()>& work, const std::function<void()>& before_commit) {
    now_ = clock_now();
    execute("BEGIN IMMEDIATE");
    try {
        work();
        if (before_commit) before_commit();
        if (sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) fail("committing to");
    } catch (...) {
        sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

}  // namespace glia::sqlite
