// Standard output, or files that get their names once they are complete: for destinations made of bytes.
#pragma once

#include <string>
#include <string_view>

#include "sinks/files/mode.hpp"
#include "sinks/record_writer.hpp"

namespace glia::files {

/// Appends bytes. What of them counts is told by the position, which the caller keeps: a file that is longer
/// is cut back to it. Throws SinkError; OutputLost if standard output takes no more.
class Output {
  public:
    /// `path`: "-" for standard output; else what files are named after.
    Output(std::string path, OnTightened on_tightened);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    /// See RecordWriter.
    void require_writable() const;
    void resume(const WriterPosition& position);
    WriterPosition finish();

    /// Appends to the open file, or begins one; on the disk when this returns.
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
