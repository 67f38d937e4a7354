#include "sinks/postgres/connection.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>

#include "sinks/postgres/dsn.hpp"
#include "sinks/postgres/login.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

// Deadlocks between writers of overlapping batches are rare and short; more attempts would hide a bug.
constexpr int kTransactionAttempts = 4;

/// The statements that begin a transaction with this isolation, whatever the role or the database has by
/// default. The statement_timeout replaces a default that is too short even for sql::begin.
std::string prelude(Isolation isolation) {
    return std::string("SET LOCAL statement_timeout = 60000; SET TRANSACTION ISOLATION LEVEL ") +
           (isolation == Isolation::snapshot ? "REPEATABLE READ" : "READ COMMITTED");
}

/// Makes one line of a libpq message, without prefixes and line breaks.
std::string one_line(std::string text) {
    std::string line;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == '\t') {
            if (!line.empty() && line.back() != ' ') line.push_back(' ');
        } else {
            line.push_back(c);
        }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    for (const std::string_view prefix : {"ERROR:  ", "FATAL:  "}) {
        if (line.starts_with(prefix)) line.erase(0, prefix.size());
    }
    return line;
}

template <typename Error>
bool is_a(const pqxx::sql_error& error) {
    return dynamic_cast<const Error*>(&error) != nullptr;
}

SinkError statement_error(const pqxx::sql_error& error, const std::string& line) {
    const std::string code = sqlstate(error);
    const auto is_class = [&](std::string_view prefix) { return code.starts_with(prefix); };
    if (code == "42501") {
        return {SinkError::Kind::denied,
                "PostgreSQL: " + line + "; grant it to the role of sink.postgres.dsn"};
    }
    if (code == "42P01" || code == "42703" || code == "3F000") {
        return {SinkError::Kind::schema, "PostgreSQL: " + line + "; run `glia-sync migrate`"};
    }
    if (code == "25006") {
        return {SinkError::Kind::unavailable, "PostgreSQL: " + line +
                                                  " [25006]; the server is a standby, or "
                                                  "default_transaction_read_only is on for the role or the "
                                                  "database"};
    }
    // Connection failures, insufficient resources (such as a full disk), operator intervention and statement
    // timeouts, system errors, rollbacks by the server, lock timeouts, a failed transaction.
    if (code.empty() || is_class("08") || is_class("53") || is_class("57") || is_class("58") ||
        is_class("40") || code == "55P03" || code == "25P02") {
        return {SinkError::Kind::unavailable,
                "PostgreSQL: " + line + (code.empty() ? "" : " [" + code + "]")};
    }
    return {SinkError::Kind::internal, "PostgreSQL refused a statement: " + line + " [" + code + "]"};
}

// Discards the server's notices, which libpq would print to standard error.
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 9)
struct Quiet {
    explicit Quiet(pqxx::connection& connection) {
        connection.set_notice_handler([](pqxx::zview) noexcept {});
    }
};
#else
using Quiet = pqxx::quiet_errorhandler;
#endif

}  // namespace

std::string sqlstate(const pqxx::sql_error& error) {
    if (!error.sqlstate().empty()) return error.sqlstate();
    // libpqxx 6 omits the SQLSTATE from errors that have their own exception class.
    if (is_a<pqxx::insufficient_privilege>(error)) return "42501";
    if (is_a<pqxx::undefined_table>(error)) return "42P01";
    if (is_a<pqxx::undefined_column>(error)) return "42703";
    if (is_a<pqxx::syntax_error>(error)) return "42601";
    if (is_a<pqxx::unique_violation>(error)) return "23505";
    if (is_a<pqxx::integrity_constraint_violation>(error)) return "23000";
    if (is_a<pqxx::data_exception>(error)) return "22000";
    if (is_a<pqxx::feature_not_supported>(error)) return "0A000";
    if (is_a<pqxx::invalid_sql_statement_name>(error)) return "26000";
    if (is_a<pqxx::disk_full>(error)) return "53100";
    if (is_a<pqxx::insufficient_resources>(error)) return "53000";
    return "";
}

namespace {

/// True if a statement failed because it was prepared: the session has lost it or has another one of that
/// name (an undetected pooler, DEALLOCATE ALL), or the type of a result column has changed.
bool is_prepared_statement_error(const pqxx::sql_error& error) {
    const std::string code = sqlstate(error);
    return code == "26000" || code == "42P05" || code == "0A000";
}

}  // namespace

std::string complete_dsn(const std::string& dsn) {
    auto parameters = parse_dsn(dsn);
    if (!parameters) return dsn;  // log_in() reports the error
    // Records are UTF-8. The startup packet overrides PGCLIENTENCODING and the defaults of role and database.
    std::erase_if(*parameters, [](const DsnParameter& given) { return given.keyword == "client_encoding"; });
    parameters->push_back({"client_encoding", "UTF8"});
    const auto otherwise = [&](const char* key, const char* environment, const char* value) {
        const bool given =
            std::any_of(parameters->begin(), parameters->end(),
                        [&](const DsnParameter& parameter) { return parameter.keyword == key; });
        // The program never changes its environment, so getenv() cannot race.
        if (given || (environment && std::getenv(environment))) return;  // NOLINT(concurrency-mt-unsafe)
        parameters->push_back({key, value});
    };
    otherwise("connect_timeout", "PGCONNECT_TIMEOUT", "10");
    otherwise("application_name", "PGAPPNAME", "glia-sync");
    // Detects a vanished peer within about half a minute, even during a statement.
    otherwise("keepalives_idle", nullptr, "15");
    otherwise("keepalives_interval", nullptr, "5");
    otherwise("keepalives_count", nullptr, "3");
    otherwise("tcp_user_timeout", nullptr, "30000");
    return to_dsn(*parameters);
}

pqxx::result Transaction::run(std::string_view sql, const Params& params) {
    statement_begins();
#if PQXX_VERSION_MAJOR >= 7
    const pqxx::zview text{sql.data(), sql.size()};
#else
    const std::string text(sql);
#endif
    const std::string name =
        prepared_.name(sql, [&](const std::string& fresh) { tx_.conn().prepare(fresh, text); });
#if PQXX_VERSION_MAJOR >= 7
    pqxx::params list;
    for (const Param& value : params) list.append(value);
#if PQXX_VERSION_MINOR >= 10 || PQXX_VERSION_MAJOR > 7
    if (!name.empty()) return tx_.exec(pqxx::prepped{name}, list);
    return tx_.exec(text, list);
#else
    if (!name.empty()) return tx_.exec_prepared(pqxx::zview{name}, list);
    return tx_.exec_params(text, list);
#endif
#else
    std::vector<const char*> list;
    for (const Param& value : params) list.push_back(value ? value->c_str() : nullptr);
    const auto all = pqxx::prepare::make_dynamic_params(list);
    return name.empty() ? tx_.exec_params(text, all) : tx_.exec_prepared(name, all);
#endif
}

std::int64_t Transaction::write(std::string_view sql, const Params& params) {
    return static_cast<std::int64_t>(run(sql, params).affected_rows());
}

void Transaction::script(std::string_view sql) {
    statement_begins();
    tx_.exec(std::string(sql));
}

Savepoint::Savepoint(Transaction& tx, std::string name) : tx_(tx), name_(std::move(name)) {
    tx_.script("SAVEPOINT " + name_);
}

void Savepoint::release() {
    tx_.script("RELEASE SAVEPOINT " + name_);
}

void Savepoint::roll_back() {
    tx_.script("ROLLBACK TO SAVEPOINT " + name_ + "; RELEASE SAVEPOINT " + name_);
}

// Keeps libpq's handle next to libpqxx's connection, which does not expose it.
#if PQXX_VERSION_MAJOR >= 7
struct Connection::Session {
    explicit Session(PGconn* opened) : raw(opened) {
        connection.emplace(pqxx::connection::seize_raw_connection(raw));
        connection->set_verbosity(pqxx::error_verbosity::terse);
    }
    pqxx::connection& get() { return *connection; }
    bool is_open() const { return connection->is_open(); }

    PGconn* raw = nullptr;
    std::optional<pqxx::connection> connection;
    Prepared prepared;
};
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// Passes an open session to libpqxx.
struct OpenPolicy : pqxx::connectionpolicy {
    explicit OpenPolicy(PGconn* opened) : connectionpolicy(""), raw(opened) {}
    handle do_startconnect(handle before) override { return before ? before : raw; }
    PGconn* raw;
};

class OpenConnection : public pqxx::connection_base {
  public:
    explicit OpenConnection(PGconn* opened) : connection_base(policy_), policy_(opened) {
        init();
        // A silent reconnect in the middle of a transaction would lose its first half.
        inhibit_reactivation(true);
        set_verbosity(terse);
    }
    ~OpenConnection() noexcept { close(); }

  private:
    OpenPolicy policy_;
};
#pragma GCC diagnostic pop

struct Connection::Session {
    explicit Session(PGconn* opened) : connection(opened), raw(opened) {}
    pqxx::connection_base& get() { return connection; }
    bool is_open() const { return connection.is_open(); }

    OpenConnection connection;
    PGconn* raw;
    Prepared prepared;
};
#endif

Connection::Connection(ConnectSettings settings) : settings_(std::move(settings)) {}
Connection::~Connection() = default;

Connection::Session& Connection::open() {
    if (session_ && !session_->is_open()) session_.reset();
    if (!session_) {
        session_ = std::make_unique<Session>(log_in(complete_dsn(settings_.dsn), secrets_));
        if (!may_prepare_) session_->prepared.forbid();
    }
    return *session_;
}

std::string Connection::masked_message(const std::exception& error) const {
    return secrets_.scrub(one_line(error.what()));
}

void Connection::transact(const std::function<void(Transaction&)>& work, Isolation isolation) {
    const bool kept = session_ && session_->is_open();
    bool begun = false;
    try {
        const auto begin_work = [&](Transaction& transaction) {
            begun = true;
            work(transaction);
        };
        run_transaction(begin_work, isolation);
    } catch (const SinkError& error) {
        // A session that was cut while idle fails only now. Nothing of this transaction has begun, and the
        // server may be available, so one reconnect is worth it, even while the program stops and retries
        // nothing else.
        if (!kept || begun || error.kind() != SinkError::Kind::unavailable) throw;
        run_transaction(work, isolation);
    }
}

bool Connection::begin(Session& session, Transaction& transaction, Isolation isolation) {
    const bool is_snapshot = isolation == Isolation::snapshot;
    if (prelude_ || is_snapshot) transaction.script(prelude(isolation));
    const auto row =
        transaction.run(sql::begin, {settings_.schema, std::to_string(settings_.statement_timeout.count()),
                                     std::to_string(settings_.lock_timeout.count()),
                                     std::to_string(settings_.idle_timeout.count())})[0];
    // Detects a pooler: the process id that it reports to the client is not the backend's.
    if (row["session"].as<int>() != PQbackendPID(session.raw)) session.prepared.forbid();
    transaction.set_began_at(row["now"].c_str());
    if (const std::string encoding = row["encoding"].c_str(); encoding != "UTF8") {
        throw SinkError(
            SinkError::Kind::misconfigured,
            "PostgreSQL: the database is encoded in " + encoding +
                ", which does not hold every character that the API sends; make one with `createdb "
                "--encoding=UTF8 --template=template0 NAME` and name it in sink.postgres.dsn");
    }
    if (prelude_ || is_snapshot || std::string_view(row["isolation"].c_str()) == "read committed")
        return true;
    prelude_ = true;
    return false;
}

void Connection::run_transaction(const std::function<void(Transaction&)>& work, Isolation isolation) {
    for (int attempt = 1;; ++attempt) {
        bool begun = false;
        try {
            Session& session = open();
            [[maybe_unused]] const Quiet quiet(session.get());
            pqxx::work tx(session.get());
            Transaction transaction(tx, session.raw, session.prepared, settings_.on_statement);
            if (!begin(session, transaction, isolation)) continue;
            begun = true;
            work(transaction);
            if (settings_.on_statement) settings_.on_statement();
            tx.commit();
            return;
        } catch (const SinkError& error) {
            if (error.kind() == SinkError::Kind::unavailable) session_.reset();
            throw;
        } catch (const pqxx::broken_connection& error) {
            session_.reset();
            throw SinkError(SinkError::Kind::unavailable,
                            "PostgreSQL: the connection was lost: " + masked_message(error));
        } catch (const pqxx::in_doubt_error&) {
            session_.reset();
            throw SinkError(SinkError::Kind::unavailable,
                            "PostgreSQL: the connection was lost during a commit");
        } catch (const pqxx::transaction_rollback& error) {  // a deadlock or a serialisation failure
            if (attempt < kTransactionAttempts) continue;
            throw SinkError(SinkError::Kind::unavailable, "PostgreSQL: " + masked_message(error));
        } catch (const RestartTransaction&) {
            if (attempt < kTransactionAttempts) continue;
            throw SinkError(
                SinkError::Kind::unavailable,
                "PostgreSQL: concurrent changes keep preventing the transaction; it will be tried again");
        } catch (const pqxx::sql_error& error) {
            if (attempt < kTransactionAttempts && session_->prepared.any() &&
                is_prepared_statement_error(error)) {
                may_prepare_ = false;
                session_.reset();
                continue;
            }
            // The default statement_timeout of the role expired before `begin` set ours.
            if (!begun && attempt < kTransactionAttempts && sqlstate(error) == "57014") {
                prelude_ = true;
                continue;
            }
            const SinkError known = statement_error(error, masked_message(error));
            if (known.kind() == SinkError::Kind::unavailable) session_.reset();
            throw known;
        } catch (const pqxx::failure& error) {
            session_.reset();
            throw SinkError(SinkError::Kind::unavailable, "PostgreSQL: " + masked_message(error));
        } catch (const std::logic_error& error) {  // libpqxx: wrong use, or a value that cannot be converted
            session_.reset();
            throw SinkError(SinkError::Kind::internal, "PostgreSQL: " + masked_message(error));
        }
    }
}

}  // namespace glia::postgres
