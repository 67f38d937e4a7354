#include "sinks/ndjson/line_writer.hpp"

#include "sinks/files/output.hpp"
#include "sinks/ndjson/line.hpp"
#include "sinks/sqlite/sqlite_sink.hpp"

namespace glia::ndjson {
namespace {

class LineWriter final : public RecordWriter {
  public:
    LineWriter(const std::string& path, const files::OnTightened& on_tightened)
        : output_(path, on_tightened) {}

    void require_writable() const override { output_.require_writable(); }
    void resume(const WriterPosition& position) override {
        lines_.clear();
        output_.resume(position);
    }
    void write(const MergedEngagement& record) override {
        lines_ += line_of(record.engagement, record.fetched_at, record.site_ids);
    }
    void write_listed(const ListedEntry& entry) override { lines_ += line_of(entry); }
    WriterPosition flush(Instant now) override {
        output_.append(lines_, now);
        lines_.clear();
        return output_.position();
    }
    WriterPosition finish() override { return output_.finish(); }

  private:
    files::Output output_;
    std::string lines_;  // of the current transaction
};

}  // namespace

std::unique_ptr<Sink> open(const Settings& settings) {
    const auto make_writer = [path = settings.path, on_tightened = settings.on_tightened] {
        return std::make_unique<LineWriter>(path, on_tightened);
    };
    return sqlite::open({settings.state,
                         "ndjson " + settings.path,
                         make_writer,
                         {settings.rotate_bytes, settings.rotate_every},
                         settings.on_tightened});
}

}  // namespace glia::ndjson
