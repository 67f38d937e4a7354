// The state file (SQLite): statements, transactions, errors as SinkError. SQLite stays in the source.
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

struct sqlite3;
struct sqlite3_stmt;

namespace glia::sqlite {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Values = std::vector<Value>;

/// A row of a result; columns by their places.
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
/// NULL for an empty text.
Value error_value(const std::string& error);

/// A list of texts as JSON.
std::string list(const std::vector<std::string>& texts);
std::vector<std::string> texts(const std::string& list);

/// An open state file. One thread at a time. Throws SinkError.
class Connection {
  public:
    /// `write`: makes the file if there is none, and keeps others from reading it.
    Connection(std::string path, bool write, const files::OnTightened& on_tightened = nullptr);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Brings the file to this program's version and returns that; throws `schema` if the file is newer.
    int migrate();
    int version();
    /// Throws `schema` unless the file is exactly at this program's version.
    void require_latest();

    std::vector<Row> run(std::string_view sql, const Values& values = {});
    /// How many rows it wrote.
    std::int64_t write(std::string_view sql, const Values& values = {});

    /// Runs `work` in one transaction, on disk when this returns; all or nothing. now() in statements is the
    /// time at its beginning. `before_commit` runs once all statements have.
    void transact(const std::function<void()>& work, const std::function<void()>& before_commit = nullptr);
    Instant now() const { return now_; }

  private:
    [[noreturn]] void fail(const std::string& doing) const;
    void execute(const char* sql);
    sqlite3_stmt* prepare(std::string_view sql);

    std::string path_;
    sqlite3* database_ = nullptr;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by the text's place: each is a constant
    Instant now_{};
};

}  // namespace glia::sqlite
