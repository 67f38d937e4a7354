#include "sinks/sqlite/connection.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "sinks/overloaded.hpp"
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

/// Runs `work` and converts SQLite's exceptions to SinkError. Its message begins with `doing`.
template <typename Work>
auto attempt(const std::string& doing, const std::string& path, Work work) {
    try {
        return work();
    } catch (const SQLite::Exception& error) {
        throw SinkError(kind_of(error.getErrorCode()),
                        doing + " the state file " + path + ": " + error.what());
    }
}

void now_function(sqlite3_context* context, int, sqlite3_value**) {
    const auto* state = static_cast<const Connection*>(sqlite3_user_data(context));
    sqlite3_result_int64(context, state->now().time_since_epoch().count());
}

Instant clock_now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

void bind(SQLite::Statement& statement, int place, const Value& value) {
    std::visit(Overloaded{[&](std::monostate) { statement.bind(place); },
                          [&](const std::string& text) { statement.bindNoCopy(place, text); },
                          [&](auto number) { statement.bind(place, number); }},
               value);
}

Value value_of(const SQLite::Column& column) {
    if (column.isNull()) return {};
    if (column.isInteger()) return std::int64_t{column.getInt64()};
    if (column.isFloat()) return column.getDouble();
    return column.getString();
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
    return boost::json::serialize(boost::json::array(texts.begin(), texts.end()));
}

std::vector<std::string> texts(const std::string& list) {
    return boost::json::value_to<std::vector<std::string>>(boost::json::parse(list));
}

Connection::Connection(std::string path, bool write, const files::OnTightened& on_tightened)
    : path_(std::move(path)), now_(clock_now()) {
    if (write) {
        // Creates the file itself, because SQLite would make it readable for everybody. SQLite gives its
        // other files (WAL, shared memory) the same mode.
        const int made = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, files::kStateMode);
        if (made >= 0) close(made);
        for (const char* beside : {"", "-wal", "-shm", "-journal"})
            files::tighten(path_ + beside, files::kStateMode, on_tightened);
    }
    const int flags = write ? SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE : SQLite::OPEN_READONLY;
    try {
        database_ =
            std::make_unique<SQLite::Database>(path_, flags | SQLite::OPEN_NOMUTEX, kBusyMilliseconds);
    } catch (const SQLite::Exception& error) {
        throw SinkError(SinkError::Kind::misconfigured, "the state file " + path_ + " cannot be opened: " +
                                                            error.what() + "; is sink.ndjson right?");
    }
    attempt("setting up", path_, [&] {
        database_->createFunction("now", 0, false, this, now_function);
        if (!write) return;
        database_->exec("PRAGMA journal_mode = WAL");
        database_->exec("PRAGMA synchronous = FULL");  // each commit is durable
    });
}

Connection::~Connection() = default;

int Connection::version() {
    return attempt("reading", path_, [&] { return database_->execAndGet("PRAGMA user_version").getInt(); });
}

int Connection::migrate() {
    const int latest = static_cast<int>(sql::migrations.size());
    for (int version = this->version(); version < latest; ++version) {
        const std::string next = std::to_string(version + 1);
        attempt("migration to version " + next + " of", path_, [&] {
            SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
            database_->exec(std::string(sql::migrations[static_cast<std::size_t>(version)].text));
            database_->exec("PRAGMA user_version = " + next);
            transaction.commit();
        });
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

std::vector<Row> Connection::run(std::string_view sql, const Values& values) {
    std::unique_ptr<SQLite::Statement>& statement = statements_[sql.data()];
    if (!statement) {
        attempt("a statement does not match the schema of", path_,
                [&] { statement = std::make_unique<SQLite::Statement>(*database_, std::string(sql)); });
    }
    struct Reset {
        SQLite::Statement& statement;
        ~Reset() {
            statement.tryReset();
            statement.clearBindings();
        }
    } const reset{*statement};
    return attempt("running a statement on", path_, [&] {
        for (std::size_t i = 0; i < values.size(); ++i) bind(*statement, static_cast<int>(i) + 1, values[i]);
        std::vector<Row> rows;
        while (statement->executeStep()) {
            Values row;
            for (int i = 0; i < statement->getColumnCount(); ++i)
                row.push_back(value_of(statement->getColumn(i)));
            rows.emplace_back(std::move(row));
        }
        return rows;
    });
}

std::int64_t Connection::write(std::string_view sql, const Values& values) {
    run(sql, values);
    return database_->getChanges();
}

void Connection::transact(const std::function<void()>& work, const std::function<void()>& before_commit) {
    now_ = clock_now();
    std::optional<SQLite::Transaction> transaction;  // its destructor rolls back if it was not committed
    attempt("beginning a transaction on", path_,
            [&] { transaction.emplace(*database_, SQLite::TransactionBehavior::IMMEDIATE); });
    work();
    if (before_commit) before_commit();
    attempt("committing to", path_, [&] { transaction->commit(); });
}

}  // namespace glia::sqlite
