// The state file of a sink, and the record writer that goes with it: locking, transactions, commits.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "sinks/files/mode.hpp"
#include "sinks/record_writer.hpp"
#include "sinks/sqlite/connection.hpp"

namespace glia::sqlite {

/// When to complete a file and begin the next one. By default never.
struct Rotation {
    std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
    std::chrono::milliseconds every = std::chrono::hours{1'000'000};
};

struct Settings {
    std::string state;        ///< path of the state file
    std::string destination;  ///< identifies what `make_writer` writes to; a change completes the open file
    RecordWriterFactory make_writer;
    Rotation rotation{};
    files::OnTightened on_tightened{};
};

/// One sink's access to a state file. One program at a time writes; other programs may read meanwhile. Within
/// the program that writes, all sinks of a file share a connection and a writer, and several threads may use
/// them.
class StateFile {
  public:
    explicit StateFile(Settings settings);
    ~StateFile();

    /// Migrates the file to this program's version and returns that version. Creates a missing file.
    int migrate();
    bool exists() const;
    const Settings& settings() const { return settings_; }
    /// Throws SinkError::misconfigured unless the destination can be written.
    void require_writable() const;

    /// Runs `work(connection)` in a transaction and returns its result.
    template <typename Function>
    auto transact(Function work) -> std::invoke_result_t<Function, Connection&> {
        return result_of(work, [&](const auto& run) {
            run_transaction([&](Connection& connection, RecordWriter&) { run(connection); }, false);
        });
    }
    /// Runs `work(connection, writer)` in a transaction that is committed once the records are durable.
    void commit(const std::function<void(Connection&, RecordWriter&)>& work) { run_transaction(work, true); }

    /// Runs `work(connection)` on a separate read-only connection, even while another program writes.
    /// Throws SinkError::schema unless the file is at this program's version.
    template <typename Function>
    auto read(Function work) const -> std::invoke_result_t<Function, Connection&> {
        Connection connection(settings_.state, false);
        connection.require_latest();
        return work(connection);
    }

  private:
    /// The connection and writer of one state file; see state_file.cpp.
    struct Shared;

    template <typename Function, typename Runner>
    static auto result_of(Function work, Runner runner) -> std::invoke_result_t<Function, Connection&> {
        using Result = std::invoke_result_t<Function, Connection&>;
        if constexpr (std::is_void_v<Result>) {
            runner(work);
        } else {
            std::optional<Result> result;
            runner([&](Connection& connection) { result.emplace(work(connection)); });
            return std::move(*result);
        }
    }

    Shared& shared();
    void run_transaction(const std::function<void(Connection&, RecordWriter&)>& work, bool with_records);

    Settings settings_;
    std::shared_ptr<Shared> shared_;  // null until the first write
};

}  // namespace glia::sqlite
