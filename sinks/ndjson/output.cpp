#include "sinks/ndjson/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "sinks/ndjson/sql.hpp"

namespace glia::ndjson {
namespace {

std::string folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

void sync_folder(const std::string& folder) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
}

/// engagements.ndjson of 2026-11-24T19:30Z, the seventh: engagements-20261124T193000Z-000007.ndjson
std::string name_for(const std::string& path, Instant now, std::int64_t sequence) {
    std::string time = to_iso8601(std::chrono::floor<std::chrono::seconds>(now));
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    char number[32];
    std::snprintf(number, sizeof number, "%06lld", static_cast<long long>(sequence));
    const std::filesystem::path name(path);
    return name.stem().string() + "-" + time + "-" + number + name.extension().string();
}

}  // namespace

void require_writable(const OutputSettings& settings) {
    if (settings.path == "-") return;
    const std::string folder = folder_of(settings.path);
    if (access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw SinkError(SinkError::Kind::misconfigured,
                    "the folder " + folder + " cannot be written: " + std::generic_category().message(errno) +
                        "; is sink.ndjson.path right?");
}

Output::Output(OutputSettings settings, State& state, OnTightened on_tightened)
    : settings_(std::move(settings)), state_(state), on_tightened_(std::move(on_tightened)) {
    const Row row = state_.run(sql::read_output).at(0);
    sequence_ = row.integer(3);
    if (standard_output()) {
        descriptor_ = STDOUT_FILENO;
        return;
    }
    name_ = row.text(0).value_or("");
    length_ = counted_ = row.integer(1);
    begun_at_ = row.instant(2);
    if (name_.empty()) return;
    struct stat info {};
    if (stat(part().c_str(), &info) == 0) {
        open_part();
        take_back();
    } else {
        name_.clear();  // it got its name, and the state was not told any more; or somebody took it away
        length_ = counted_ = 0;
    }
}

Output::~Output() {
    close_part();
}

void Output::fail(const std::string& doing, const std::string& path) const {
    if (standard_output()) throw OutputLost("standard output: " + std::generic_category().message(errno));
    throw SinkError(SinkError::Kind::unavailable,
                    doing + " " + path + ": " + std::generic_category().message(errno));
}

std::string Output::file() const {
    return folder_of(settings_.path) + "/" + name_;
}

void Output::open_part() {
    tighten(part(), kLinesMode, on_tightened_);
    descriptor_ = open(part().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLinesMode);
    if (descriptor_ < 0) fail("opening", part());
}

void Output::close_part() {
    if (!standard_output() && descriptor_ >= 0) close(descriptor_);
    descriptor_ = standard_output() ? STDOUT_FILENO : -1;
}

void Output::note() {
    state_.write(sql::write_output,
                 {name_.empty() ? Value() : Value(name_), length_, value(begun_at_), sequence_});
}

void Output::append(const std::string& lines) {
    if (lines.empty()) return;
    if (name_.empty() && !standard_output()) {
        do {  // the files of another state file, in the same second
            name_ = name_for(settings_.path, state_.now(), ++sequence_);
        } while (access(file().c_str(), F_OK) == 0 || access(part().c_str(), F_OK) == 0);
        begun_at_ = state_.now();
        length_ = counted_ = 0;
        open_part();
        sync_folder(folder_of(settings_.path));
    }
    write_all(lines);
    // A pipe cannot be synced; whoever reads it has the line or will have it.
    if (fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail("syncing", part());
    note();
}

void Output::write_all(std::string_view lines) {
    while (!lines.empty()) {
        const ssize_t written = write(descriptor_, lines.data(), lines.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) {  // whoever shares standard output has made it non-blocking
            pollfd ready{descriptor_, POLLOUT, 0};
            poll(&ready, 1, -1);
            continue;
        }
        if (written < 0) fail("writing", part());
        lines.remove_prefix(static_cast<std::size_t>(written));
        length_ += written;
    }
}

void Output::take_back() {
    if (standard_output()) {
        length_ = counted_;  // written is written: those lines come once more
        return;
    }
    if (descriptor_ < 0) return;
    if (ftruncate(descriptor_, counted_) != 0) fail("cutting", part());
    length_ = counted_;
}

bool Output::wants_rotation(Instant now) const {
    if (standard_output() || name_.empty() || counted_ == 0) return false;
    return counted_ >= settings_.rotate_bytes || (begun_at_ && now - *begun_at_ >= settings_.rotate_every);
}

void Output::rotate() {
    if (standard_output() || name_.empty() || counted_ == 0) return;
    if (fsync(descriptor_) != 0) fail("syncing", part());
    if (rename(part().c_str(), file().c_str()) != 0) fail("renaming", part());
    sync_folder(folder_of(settings_.path));
    close_part();
    name_.clear();
    length_ = counted_ = 0;
    begun_at_.reset();
    state_.transact([&] { note(); });
}

void Output::use(const OutputSettings& settings) {
    if (settings.path != settings_.path) {
        rotate();
        if (!name_.empty()) {  // begun, and without a line
            unlink(part().c_str());
            close_part();
            name_.clear();
            begun_at_.reset();
            state_.transact([&] { note(); });
        }
        settings_.path = settings.path;
        descriptor_ = standard_output() ? STDOUT_FILENO : -1;
    }
    settings_ = settings;
}

}  // namespace glia::ndjson
