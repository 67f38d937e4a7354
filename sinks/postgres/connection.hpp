// One PostgreSQL connection: transactions with time limits, errors as SinkError, libpqxx 6 and 7 alike.
// libpqxx stays in the sources of this folder.
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
        10'000};  ///< shorter: waiting for a lock says more than a slow statement
    std::chrono::milliseconds silence_timeout{
        20'000};  ///< between two statements: this program computes for milliseconds there
};

/// An open transaction; statements are those of sql/, by the text that sql.hpp embeds.
class Transaction {
  public:
    Transaction(pqxx::transaction_base& tx, pg_conn* session, Prepared& prepared,
                const std::function<void()>& on_statement)
        : tx_(tx), session_(session), prepared_(prepared), on_statement_(on_statement) {}
    /// Runs a statement. Parameters travel apart from the text.
    pqxx::result run(std::string_view sql, const Params& params = {});
    /// Like run(), and returns how many rows it wrote.
    std::int64_t write(std::string_view sql, const Params& params = {});
    /// Several statements without parameters, as in a migration.
    void script(std::string_view sql);
    /// A statement begins that does not go through run(), such as a COPY.
    void tell() const {
        if (on_statement_) on_statement_();
    }
    /// As a name in a statement.
    std::string quote_name(const std::string& name) const { return tx_.quote_name(name); }
    /// libpq's handle of the same session, for what libpqxx does not do.
    pg_conn* session() const { return session_; }
    /// When the transaction began, by the server's clock, as PostgreSQL writes a time.
    const std::string& began_at() const { return began_at_; }
    void set_began_at(std::string time) { began_at_ = std::move(time); }

  private:
    pqxx::transaction_base& tx_;
    pg_conn* session_;
    Prepared& prepared_;
    const std::function<void()>& on_statement_;
    std::string began_at_;
};

/// A part of a transaction that can be undone by itself. Of savepoints with one name the innermost counts.
/// One that is neither released nor rolled back ends with the transaction. (libpqxx's own begins with the
/// first statement that goes through it, which a COPY over libpq does not.)
class Savepoint {
  public:
    Savepoint(Transaction& tx, std::string name);
    void release();
    void roll_back();

  private:
    Transaction& tx_;
    std::string name_;
};

/// Thrown out of the work of a transaction that has to begin anew, because what it read has gone meanwhile.
struct RestartTransaction {};

/// A connection that opens by itself and forgets itself when it breaks. One thread at a time.
class Connection {
  public:
    explicit Connection(ConnectSettings settings);
    ~Connection();
    /// Runs `work` in one transaction and commits. Deadlocks, serialisation failures and RestartTransaction
    /// are retried a few times, so `work` may run more than once. A session that turns out to be gone before
    /// anything was asked of it is opened anew, once. Throws SinkError only.
    void transact(const std::function<void(Transaction&)>& work);
    /// transact() for work that returns an answer: that of the run which was committed.
    template <typename Work>
    auto query(Work work) -> std::invoke_result_t<Work, Transaction&> {
        std::optional<std::invoke_result_t<Work, Transaction&>> answer;
        transact([&](Transaction& tx) { answer.emplace(work(tx)); });
        return std::move(*answer);
    }
    const ConnectSettings& settings() const { return settings_; }

  private:
    struct Session;
    Session& open();
    /// Applies the settings of a transaction. False: the transaction must be restarted, with the prelude.
    bool begin(Session& session, Transaction& transaction);
    void run_transaction(const std::function<void(Transaction&)>& work);

    /// libpqxx's text of an error in one line, with secrets masked.
    std::string words_of(const std::exception& error) const;

    ConnectSettings settings_;
    Secrets secrets_;  // of the DSN; filled by the first login
    bool may_prepare_ = true;
    bool prelude_ = false;  // transactions begin with kPrelude
    std::unique_ptr<Session> session_;
};

/// The DSN with time limits added where it names none (connect_timeout, TCP keepalives), application_name,
/// and UTF-8 as the session's encoding in any case. A DSN that libpq cannot read is returned as it is.
std::string complete_dsn(const std::string& dsn);

/// The SQLSTATE of an error; empty if the library does not tell.
std::string sqlstate(const pqxx::sql_error& error);

}  // namespace glia::postgres
