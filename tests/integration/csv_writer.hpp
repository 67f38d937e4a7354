// A destination that only the tests have, as an example of adding one: one class, and no SQL.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "sinks/record_writer.hpp"
#include "sinks/sink_error.hpp"

namespace glia {

/// Writes a row for each new or changed engagement to files PATH-NUMBER.csv, which are called .part until
/// they are complete. The column `legs` is empty until the legs are known.
class CsvWriter final : public RecordWriter {
  public:
    /// `path`: without number and extension.
    explicit CsvWriter(std::string path) : path_(std::move(path)) {}
    ~CsvWriter() override { close_file(); }
    CsvWriter(const CsvWriter&) = delete;
    CsvWriter& operator=(const CsvWriter&) = delete;

    void require_writable() const override {
        const std::string folder = std::filesystem::path(path_).parent_path();
        if (access(folder.c_str(), W_OK | X_OK) != 0)
            throw SinkError(SinkError::Kind::misconfigured, "the folder " + folder + " cannot be written");
    }

    void resume(const WriterPosition& position) override {
        if (position_.file && position_.file != position.file) unlink(part().c_str());
        close_file();
        rows_.clear();
        position_ = position;
        if (!position_.file) return;
        if (access(part().c_str(), F_OK) != 0) {  // it was renamed before the state recorded it
            position_ = {std::nullopt, 0, std::nullopt, position.sequence};
            return;
        }
        open_file();
        if (ftruncate(descriptor_, position_.length) != 0) fail("cutting");
    }

    void write(const MergedEngagement& record) override {
        const Engagement& e = record.engagement;
        std::string sites, legs;
        for (const std::string& site : record.site_ids) sites += (sites.empty() ? "" : " ") + site;
        if (e.legs) {
            for (const Leg& leg : *e.legs)
                legs += (legs.empty() ? "" : " ") + leg.id.str() + ":" +
                        (leg.duration ? std::to_string(*leg.duration) : "");
        }
        rows_ += quoted(e.id.str()) + "," + to_iso8601(record.fetched_at) + "," + to_iso8601(e.created_at) +
                 "," + (e.duration ? std::to_string(*e.duration) : "") + "," +
                 quoted(e.visitor_id ? e.visitor_id.str() : "") + "," + quoted(sites) + "," + quoted(legs) +
                 "\n";
    }

    WriterPosition flush(Instant now) override {
        if (rows_.empty()) return position_;
        if (!position_.file) begin_file(now);
        append(rows_);
        rows_.clear();
        if (fsync(descriptor_) != 0) fail("syncing");
        return position_;
    }

    WriterPosition finish() override {
        if (!position_.file) return position_;
        if (std::rename(part().c_str(), file().c_str()) != 0) fail("renaming");
        close_file();
        position_ = {std::nullopt, 0, std::nullopt, position_.sequence};
        return position_;
    }

  private:
    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
        return out + "\"";
    }
    std::string file() const {
        return std::filesystem::path(path_).parent_path() / position_.file.value_or("");
    }
    std::string part() const { return file() + ".part"; }

    void begin_file(Instant now) {
        char number[16];
        std::snprintf(number, sizeof number, "-%06d", static_cast<int>(++position_.sequence));
        position_.file = std::filesystem::path(path_).filename().string() + number + ".csv";
        position_.begun_at = now;
        position_.length = 0;
        open_file();
        append("id,fetched_at,created_at,duration,visitor_id,site_ids,legs\n");
    }
    void open_file() {
        descriptor_ = open(part().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (descriptor_ < 0) fail("opening");
    }
    void close_file() {
        if (descriptor_ >= 0) close(descriptor_);
        descriptor_ = -1;
    }
    void append(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0) fail("writing");
            bytes.remove_prefix(static_cast<std::size_t>(written));
            position_.length += written;
        }
    }
    [[noreturn]] void fail(const std::string& doing) const {
        throw SinkError(SinkError::Kind::unavailable, doing + " " + part() + " failed");
    }

    std::string path_;
    std::string rows_;  // of the current transaction
    WriterPosition position_;
    int descriptor_ = -1;
};

}  // namespace glia
