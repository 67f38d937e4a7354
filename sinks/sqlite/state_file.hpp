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

/// When a file is completed and the next one begun; by default never.
struct Rotation {
    std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
    std::chrono::milliseconds every = std::chrono::hours{1'000'000};
};

struct Settings {
    std::string state;        ///< path of the state file
    std::string destination;  ///< what `make_writer` writes to: another one completes what was written
    RecordWriterFactory make_writer;
    Rotation rotation{};
    files::OnTightened on_tightened{};
};

/// One sink's access to a state file. One program at a time writes; within it, all sinks of one file share a
/// connection and a writer, and may be used by several threads. Whoever only reads may do so meanwhile.
class StateFile {
  public:
    explicit StateFile(Settings settings);
    ~StateFile();

    /// Brings the file to this program's version and returns that; makes it if there is none.
    int migrate();
    bool exists() const;
    const Settings& settings() const { return settings_; }
    /// Throws SinkError::misconfigured unless the destination can be written.
    void require_writable() const;

    /// Runs `work(connection)` in a transaction, and returns its answer.
    template <typename Work>
    auto transact(Work work) -> std::invoke_result_t<Work, Connection&> {
        return answer_of(work, [&](const auto& run) {
            run_transaction([&](Connection& connection, RecordWriter&) { run(connection); }, false);
        });
    }
    /// Runs `work(connection, writer)` in a transaction that is committed once the records are durable.
    void commit(const std::function<void(Connection&, RecordWriter&)>& work) { run_transaction(work, true); }

    /// Runs `work(connection)` on a connection of its own that only reads: another program may be writing.
    /// Throws SinkError::schema unless the file is at this program's version.
    template <typename Work>
    auto read(Work work) const -> std::invoke_result_t<Work, Connection&> {
        Connection connection(settings_.state, false);
        connection.require_latest();
        return work(connection);
    }

  private:
    /// What writes to one state file; see state_file.cpp.
    struct Shared;

    template <typename Work, typename Perform>
    static auto answer_of(Work work, Perform perform) -> std::invoke_result_t<Work, Connection&> {
        using Answer = std::invoke_result_t<Work, Connection&>;
        if constexpr (std::is_void_v<Answer>) {
            perform(work);
        } else {
            std::optional<Answer> answer;
            perform([&](Connection& connection) { answer.emplace(work(connection)); });
            return std::move(*answer);
        }
    }

    Shared& shared();
    void run_transaction(const std::function<void(Connection&, RecordWriter&)>& work, bool with_records);

    Settings settings_;
    std::shared_ptr<Shared> shared_;  // from the first write on
};

}  // namespace glia::sqlite
