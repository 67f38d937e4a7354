// One PostgreSQL connection: transactions with time limits, errors as SinkError, support for libpqxx 6 and 7.
// Only sources of this folder include libpqxx.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sinks/postgres/prepared.hpp"
#include "sinks/postgres/values.hpp"
#include "sinks/secrets.hpp"
#include "sinks/sink_error.hpp"

struct pg_conn;  // libpq's PGconn

namespace glia::postgres {

/// Where and how to connect.
struct ConnectSettings {
    std::string dsn;              ///< key/value or URI; empty: libpq's environment
    std::string schema = "glia";  ///< becomes the search_path of every transaction
    std::chrono::milliseconds statement_timeout{60'000};
    std::function<void()> on_statement{};  ///< called before every statement
    std::chrono::milliseconds lock_timeout{
        10'000};  ///< shorter than the statement timeout, so that errors distinguish lock waits
    std::chrono::milliseconds idle_timeout{
        20'000};  ///< between two statements, where this program needs only milliseconds
};

/// An open transaction. Most of its statements are constants of sql.hpp.
class Transaction {
  public:
    Transaction(pqxx::transaction_base& tx, pg_conn* session, Prepared& prepared,
                const std::function<void()>& on_statement)
        : tx_(tx), session_(session), prepared_(prepared), on_statement_(on_statement) {}
    /// Runs a statement. Parameters are sent separately from its text.
    pqxx::result run(std::string_view sql, const Params& params = {});
    /// Like run(), but returns the number of rows written.
    std::int64_t write(std::string_view sql, const Params& params = {});
    /// Runs several statements without parameters, such as a migration.
    void script(std::string_view sql);
    /// Call it before a statement that does not use run(), such as a COPY.
    void statement_begins() const {
        if (on_statement_) on_statement_();
    }
    /// Quotes an identifier.
    std::string quote_name(const std::string& name) const { return tx_.quote_name(name); }
    /// libpq's handle of the same session, for what libpqxx does not do.
    pg_conn* session() const { return session_; }
    /// The start of the transaction by the database's clock, in PostgreSQL's text format.
    const std::string& began_at() const { return began_at_; }
    void set_began_at(std::string time) { began_at_ = std::move(time); }

  private:
    pqxx::transaction_base& tx_;
    pg_conn* session_;
    Prepared& prepared_;
    const std::function<void()>& on_statement_;
    std::string began_at_;
};

/// A savepoint. If several have one name, the innermost is used. One that is neither released nor rolled back
/// ends with the transaction. (pqxx::subtransaction begins with the first statement through libpqxx, but our
/// COPY goes through libpq.)
class Savepoint {
  public:
    Savepoint(Transaction& tx, std::string name);
    void release();
    void roll_back();

  private:
    Transaction& tx_;
    std::string name_;
};

/// Thrown by the work of a transaction that has to restart, because rows that it read have been deleted or
/// change too often.
struct RestartTransaction {};

/// `read_committed`: each statement sees what was committed before it began. A transaction that takes a lock
/// and then reads needs this. `snapshot` (REPEATABLE READ): all statements see one state of the database,
/// as of the first.
enum class Isolation { read_committed, snapshot };

/// A connection that opens on first use, and again after it has broken. Used by one thread at a time.
class Connection {
  public:
    explicit Connection(ConnectSettings settings);
    ~Connection();
    /// Runs `work` in one transaction and commits. Deadlocks, serialisation failures and RestartTransaction
    /// are retried a few times, so `work` may run more than once. Reconnects once if the session turns out to
    /// be broken at the start. Converts exceptions of libpqxx to SinkError; other exceptions of `work` roll
    /// back and are passed on.
    void transact(const std::function<void(Transaction&)>& work,
                  Isolation isolation = Isolation::read_committed);
    /// transact() for work with a result. Returns the result of the committed run.
    template <typename Function>
    auto query(Function work, Isolation isolation = Isolation::read_committed)
        -> std::invoke_result_t<Function, Transaction&> {
        std::optional<std::invoke_result_t<Function, Transaction&>> result;
        transact([&](Transaction& tx) { result.emplace(work(tx)); }, isolation);
        return std::move(*result);
    }
    const ConnectSettings& settings() const { return settings_; }

  private:
    struct Session;
    Session& open();
    /// Applies the settings of a transaction. Returns false if it must be restarted with the prelude.
    bool begin(Session& session, Transaction& transaction, Isolation isolation);
    void run_transaction(const std::function<void(Transaction&)>& work, Isolation isolation);

    /// libpqxx's text of an error in one line, with secrets masked.
    std::string masked_message(const std::exception& error) const;

    ConnectSettings settings_;
    Secrets secrets_;  // of the DSN; filled by the first login
    bool may_prepare_ = true;
    // True if every transaction has to begin with prelude(), because the role or the database has another
    // default isolation level or a very short statement_timeout.
    bool prelude_ = false;
    std::unique_ptr<Session> session_;
};

/// Returns the DSN with defaults for missing parameters (connect_timeout, TCP keepalives, application_name)
/// and with UTF-8 as the session's encoding. Returns a DSN that libpq cannot parse unchanged.
std::string complete_dsn(const std::string& dsn);

/// The SQLSTATE of an error; empty if the library does not report it.
std::string sqlstate(const pqxx::sql_error& error);

}  // namespace glia::postgres
