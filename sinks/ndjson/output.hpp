// Where the lines go: standard output, or files that get their names once they are complete.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sinks/ndjson/file_mode.hpp"
#include "sinks/ndjson/state.hpp"

namespace glia::ndjson {

struct OutputSettings {
    std::string path = "-";  ///< "-": standard output; else what files are named after
    std::int64_t rotate_bytes = std::int64_t{256} << 20;
    std::chrono::milliseconds rotate_every{3'600'000};
    bool operator==(const OutputSettings&) const = default;
};

/// Throws SinkError if lines cannot be written there.
void require_writable(const OutputSettings& settings);

/// Appends lines. What of them counts stands in the state: a file that is longer after a crash is cut back to
/// it. Throws SinkError; OutputLost if standard output takes no more.
class Output {
  public:
    /// Goes on with the file that the state names, if there is one.
    Output(OutputSettings settings, State& state, OnTightened on_tightened);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// Appends, and notes in the state how much counts; within a transaction of the state, which is committed
    /// once this has returned: then the lines are on the disk.
    void append(const std::string& lines);
    /// The transaction did not come about: what was appended is cut off again.
    void take_back();
    /// The transaction is committed.
    void settle() { counted_ = length_; }

    /// True if the file is large or old enough for the next one to begin.
    bool wants_rotation(Instant now) const;
    /// Gives the file its name. Nothing, if it holds no line.
    void rotate();
    /// From now on writes as `settings` say: with another path, the file so far is complete.
    void use(const OutputSettings& settings);

  private:
    bool standard_output() const { return settings_.path == "-"; }
    std::string file() const;
    std::string part() const { return file() + ".part"; }
    void open_part();
    void close_part();
    void note();
    [[noreturn]] void fail(const std::string& doing, const std::string& path) const;
    void write_all(std::string_view lines);

    OutputSettings settings_;
    State& state_;
    OnTightened on_tightened_;
    int descriptor_ = -1;
    std::string name_;  // of the file being written, without its folder; empty: none
    std::int64_t length_ = 0;
    std::int64_t counted_ = 0;
    OptionalInstant begun_at_;
    std::int64_t sequence_ = 0;
};

}  // namespace glia::ndjson
