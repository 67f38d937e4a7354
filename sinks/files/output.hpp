// Byte output to standard output, or to files that get their final names once they are complete.
// By hand: spdlog's rotating files have their final names from the start, and are never synced.
#pragma once

#include <string>
#include <string_view>

#include "sinks/files/mode.hpp"
#include "sinks/record_writer.hpp"

namespace glia::files {

/// Appends bytes. The caller stores the position, which gives the number of committed bytes; a longer file is
/// truncated to it. Throws SinkError, or OutputLost if standard output is lost.
class Output {
  public:
    /// `path`: "-" for standard output; else the path from which files get their names.
    Output(std::string path, OnTightened on_tightened);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// See RecordWriter.
    void require_writable() const;
    void resume(const WriterPosition& position);
    WriterPosition finish();

    /// Appends to the open file, or begins one, and syncs it.
    void append(std::string_view bytes, Instant now);
    const WriterPosition& position() const { return position_; }

  private:
    bool standard_output() const { return path_ == "-"; }
    std::string file() const;
    std::string part() const { return file() + ".part"; }
    void begin_file(Instant now);
    void open_part();
    void close_part();
    [[noreturn]] void fail(const std::string& doing, const std::string& path) const;
    void write_all(std::string_view bytes);

    std::string path_;
    OnTightened on_tightened_;
    int descriptor_ = -1;
    WriterPosition position_;
};

}  // namespace glia::files
