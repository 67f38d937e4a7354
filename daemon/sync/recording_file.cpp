#include "daemon/sync/recording_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "daemon/sync/recording_path.hpp"
#include "daemon/sync/recording_permissions.hpp"
#include "sinks/content_hash.hpp"

namespace glia {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunkSize = std::size_t{256} * 1024;

[[noreturn]] void failed(const std::string& doing, const std::string& path, int error = errno) {
    throw DiskError(doing + " " + path + ": " + std::generic_category().message(error));
}

std::string stem_of(const std::string& url) {
    return to_hex(bytes_hash(url));
}

class Descriptor {
  public:
    Descriptor(const std::string& path, int flags)
        : value_(open(path.c_str(), flags | O_CLOEXEC, kRecordingFileMode)) {
        if (value_ < 0) failed("opening", path);
    }
    ~Descriptor() { close(value_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int value() const { return value_; }

  private:
    int value_;
};

void sync_folder(const std::string& path) {
    const Descriptor folder(path, O_RDONLY | O_DIRECTORY);
    if (fsync(folder.value()) != 0) failed("syncing", path);
}

std::string read_up_to(const Descriptor& file, std::size_t limit, const std::string& path) {
    std::string bytes(limit, '\0');
    std::size_t size = 0;
    while (size < limit) {
        const ssize_t got = read(file.value(), bytes.data() + size, limit - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failed("reading", path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
}

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) failed("writing", path);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Removes a file. Returns true if it existed.
bool remove_file(const std::string& path) {
    if (unlink(path.c_str()) == 0) return true;
    if (errno != ENOENT) failed("deleting", path);
    return false;
}

/// Reads the version file beside an unfinished download. Returns an empty version if it is missing or
/// invalid.
RecordingVersion read_version(const std::string& path) {
    constexpr std::size_t kLongest = std::size_t{64} * 1024;  // larger than any response's head
    if (access(path.c_str(), F_OK) != 0) return {};
    return parse_recording_version(read_up_to(Descriptor(path, O_RDONLY), kLongest, path))
        .value_or(RecordingVersion{});
}

std::string sha256_of(const std::string& path) {
    const Descriptor file(path, O_RDONLY);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    std::string buffer(kChunkSize, '\0');
    for (;;) {
        const ssize_t got = read(file.value(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) failed("reading", path);
        if (got == 0) break;
        EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got));
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context.get(), digest.data(), &size);
    return to_hex({digest.data(), size});
}

RecordingFile describe(const std::string& directory, const std::string& below) {
    const std::string path = directory + "/" + below;
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) failed("reading the size of", path, error.value());
    return {below, static_cast<std::int64_t>(size), sha256_of(path)};
}

}  // namespace

std::optional<RecordingFile> RecordingDownload::find(const std::string& directory,
                                                     const std::string& engagement_id,
                                                     const std::string& url) {
    const std::string folder = recording_folder(engagement_id);
    const std::string path = directory + "/" + folder;
    std::error_code error;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(stem_of(url) + ".")) continue;
        RecordingFile file = describe(directory, folder + "/" + name);
        const std::string found = directory + "/" + file.path;
        const std::string beginning = read_up_to(Descriptor(found, O_RDONLY), kRecordingBeginning, found);
        if (recording_fault(static_cast<std::uint64_t>(file.size_bytes), {}, beginning).empty()) return file;
        remove_file(found);  // an HTML page or an empty file: earlier versions stored any body
        return std::nullopt;
    }
    // A missing folder means no recording. If something else has its name, creating the folder reports a
    // clearer error.
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
        failed("reading the folder", path, error.value());
    return std::nullopt;
}

RecordingDownload::RecordingDownload(std::string directory, const std::string& engagement_id,
                                     const std::string& url)
    : directory_(std::move(directory)), folder_(recording_folder(engagement_id)), stem_(stem_of(url)) {
    make_recording_folder(directory_, folder_);
    const std::string hidden = directory_ + "/" + folder_ + "/." + stem_;
    part_ = hidden + ".part";
    version_file_ = hidden + ".version";
    descriptor_ = open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kRecordingFileMode);
    if (descriptor_ < 0) failed("opening", part_);
    const off_t end = lseek(descriptor_, 0, SEEK_END);
    if (end < 0) failed("reading the size of", part_);
    version_ = read_version(version_file_);
    if (!version_.validator.empty()) size_ = static_cast<std::uint64_t>(end);
}

RecordingDownload::~RecordingDownload() {
    if (descriptor_ >= 0) close(descriptor_);
}

bool RecordingDownload::resumable() const {
    return size_ > 0 && !version_.validator.empty();
}

void RecordingDownload::restart(const RecordingVersion& version) {
    // Removes the version file and syncs the folder first: a crash must never leave bytes of one version
    // beside the version file of another.
    if (remove_file(version_file_)) sync_folder(directory_ + "/" + folder_);
    if (ftruncate(descriptor_, 0) != 0 || lseek(descriptor_, 0, SEEK_SET) != 0) failed("emptying", part_);
    size_ = 0;
    version_ = version;
    if (version_.validator.empty()) return;
    const Descriptor file(version_file_, O_WRONLY | O_CREAT | O_EXCL);
    write_all(file.value(), to_text(version_), version_file_);
}

void RecordingDownload::append(std::string_view piece) {
    write_all(descriptor_, piece, part_);
    size_ += piece.size();
}

std::string RecordingDownload::beginning() const {
    return read_up_to(Descriptor(part_, O_RDONLY), kRecordingBeginning, part_);
}

RecordingFile RecordingDownload::finish() {
    if (fsync(descriptor_) != 0) failed("syncing", part_);
    const std::string below = folder_ + "/" + stem_ + recording_extension(version_.content_type);
    const std::string path = directory_ + "/" + below;
    remove_file(version_file_);  // first: after the rename, a crash would leave it for ever
    if (rename(part_.c_str(), path.c_str()) != 0) failed("renaming", part_);
    sync_folder(directory_ + "/" + folder_);
    return describe(directory_, below);
}

void RecordingDownload::discard() {
    remove_file(version_file_);
    remove_file(part_);
    size_ = 0;
    version_ = {};
    rmdir((directory_ + "/" + folder_).c_str());  // fails if other recordings are there
}

}  // namespace glia
