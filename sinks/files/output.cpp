#include "sinks/files/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "sinks/sink_error.hpp"

namespace glia::files {
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

/// The name of the seventh file for engagements.ndjson, begun at 2026-11-24T19:30Z:
/// engagements-20261124T193000Z-000007.ndjson
std::string name_for(const std::string& path, Instant now, std::int64_t sequence) {
    std::string time = to_iso8601(std::chrono::floor<std::chrono::seconds>(now));
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    char number[32];
    std::snprintf(number, sizeof number, "%06lld", static_cast<long long>(sequence));
    const std::filesystem::path name(path);
    return name.stem().string() + "-" + time + "-" + number + name.extension().string();
}

}  // namespace

Output::Output(std::string path, OnTightened on_tightened)
    : path_(std::move(path)),
      on_tightened_(std::move(on_tightened)),
      descriptor_(standard_output() ? STDOUT_FILENO : -1) {}

Output::~Output() {
    close_part();
}

void Output::require_writable() const {
    if (standard_output()) return;
    const std::string folder = folder_of(path_);
    if (access(folder.c_str(), W_OK | X_OK) == 0) return;
    throw SinkError(SinkError::Kind::misconfigured,
                    "the folder " + folder + " cannot be written: " + std::generic_category().message(errno) +
                        "; is sink.ndjson.path right?");
}

void Output::resume(const WriterPosition& position) {
    // Removes a file that was begun after the position.
    if (position_.file && position_.file != position.file) unlink(part().c_str());
    close_part();
    position_ = position;
    if (standard_output()) {  // output cannot be taken back: uncommitted lines are written again
        position_.file.reset();
        position_.begun_at.reset();
        return;
    }
    if (!position_.file) return;
    struct stat info{};
    if (stat(part().c_str(), &info) != 0) {
        // The file was renamed before the state was committed, or somebody has removed it.
        position_ = {std::nullopt, 0, std::nullopt, position.sequence};
        return;
    }
    open_part();
    if (ftruncate(descriptor_, position_.length) != 0) fail("cutting", part());
}

void Output::fail(const std::string& doing, const std::string& path) const {
    if (standard_output()) throw OutputLost("standard output: " + std::generic_category().message(errno));
    throw SinkError(SinkError::Kind::unavailable,
                    doing + " " + path + ": " + std::generic_category().message(errno));
}

std::string Output::file() const {
    return folder_of(path_) + "/" + position_.file.value_or("");
}

void Output::begin_file(Instant now) {
    do {  // skips names that a sink with another state file has used in the same second
        position_.file = name_for(path_, now, ++position_.sequence);
    } while (access(file().c_str(), F_OK) == 0 || access(part().c_str(), F_OK) == 0);
    position_.begun_at = now;
    position_.length = 0;
    open_part();
    sync_folder(folder_of(path_));
}

void Output::open_part() {
    tighten(part(), kLinesMode, on_tightened_);
    descriptor_ = open(part().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLinesMode);
    if (descriptor_ < 0) fail("opening", part());
}

void Output::close_part() {
    if (standard_output()) return;
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
}

void Output::append(std::string_view bytes, Instant now) {
    if (bytes.empty()) return;
    if (!position_.file && !standard_output()) begin_file(now);
    write_all(bytes);
    // A pipe cannot be synced. Its reader is responsible for the lines.
    if (fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail("syncing", part());
}

void Output::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) {  // another process made the shared descriptor non-blocking
            pollfd ready{descriptor_, POLLOUT, 0};
            poll(&ready, 1, -1);
            continue;
        }
        if (written < 0) fail("writing", part());
        bytes.remove_prefix(static_cast<std::size_t>(written));
        position_.length += written;
    }
}

WriterPosition Output::finish() {
    if (standard_output() || !position_.file) return position_;
    if (position_.length == 0) {
        unlink(part().c_str());
    } else {
        if (fsync(descriptor_) != 0) fail("syncing", part());
        if (rename(part().c_str(), file().c_str()) != 0) fail("renaming", part());
        sync_folder(folder_of(path_));
    }
    close_part();
    position_ = {std::nullopt, 0, std::nullopt, position_.sequence};
    return position_;
}

}  // namespace glia::files
