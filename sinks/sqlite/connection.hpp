// The state file (SQLite): statements, transactions, errors as SinkError. SQLiteCpp stays in the source.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sinks/files/mode.hpp"
#include "sinks/records.hpp"

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace glia::sqlite {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Values = std::vector<Value>;

/// A row of a result. Columns are numbered from 0.
class Row {
  public:
    explicit Row(Values values) : values_(std::move(values)) {}
    OptionalText text(std::size_t column) const;
    std::int64_t integer(std::size_t column) const;  ///< 0 for NULL
    OptionalInstant instant(std::size_t column) const;
    std::optional<double> real(std::size_t column) const;

  private:
    Values values_;
};

Value value(const OptionalText& text);
Value value(const OptionalInstant& time);
Value value(std::chrono::microseconds duration);
Value micros(Instant time);
/// An error as a parameter: NULL if it is empty.
Value error_value(const std::string& error);

/// A list of texts as JSON.
std::string list(const std::vector<std::string>& texts);
std::vector<std::string> texts(const std::string& list);

/// An open state file. One thread at a time. Throws SinkError.
class Connection {
  public:
    /// `write`: creates the file if it is missing, and removes the permissions of other users.
    Connection(std::string path, bool write, const files::OnTightened& on_tightened = nullptr);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Migrates the file to this program's version and returns that version. Throws `schema` if the file is
    /// newer.
    int migrate();
    int version();
    /// Throws `schema` unless the file is exactly at this program's version.
    void require_latest();

    std::vector<Row> run(std::string_view sql, const Values& values = {});
    /// Runs a statement and returns the number of rows written.
    std::int64_t write(std::string_view sql, const Values& values = {});

    /// Runs `work` in one transaction, all or nothing, and returns when it is durable. now() in statements is
    /// the start of the transaction. `before_commit` runs after `work`, before the commit.
    void transact(const std::function<void()>& work, const std::function<void()>& before_commit = nullptr);
    Instant now() const { return now_; }

  private:
    std::string path_;
    std::unique_ptr<SQLite::Database> database_;
    // Prepared statements by the address of their text, which is a constant.
    std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
    Instant now_{};
};

}  // namespace glia::sqlite
