#include "daemon/enrich/recording_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "daemon/enrich/recording_path.hpp"
#include "sinks/content_hash.hpp"

namespace glia {
namespace {

namespace fs = std::filesystem;

// The group may read what the service writes; nobody else.
constexpr mode_t kFileMode = 0640;
constexpr std::size_t kReadAtOnce = std::size_t{256} * 1024;

[[noreturn]] void failed(const std::string& doing, const std::string& path, int error = errno) {
    throw DiskError(doing + " " + path + ": " + std::generic_category().message(error));
}

std::string stem_of(const std::string& url) {
    return to_hex(bytes_hash(url));
}

/// What a player takes the file for.
std::string extension_of(const std::string& content_type) {
    const std::string type = content_type.substr(0, content_type.find(';'));
    if (type == "audio/mpeg" || type == "audio/mp3") return ".mp3";
    if (type == "audio/wav" || type == "audio/x-wav" || type == "audio/wave") return ".wav";
    if (type == "audio/ogg") return ".ogg";
    if (type == "audio/mp4" || type == "audio/x-m4a") return ".m4a";
    if (type == "audio/webm") return ".webm";
    return ".bin";
}

class Descriptor {
  public:
    Descriptor(const std::string& path, int flags)
        : value_(open(path.c_str(), flags | O_CLOEXEC, kFileMode)) {
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

std::string sha256_of(const std::string& path) {
    const Descriptor file(path, O_RDONLY);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    std::string buffer(kReadAtOnce, '\0');
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
    if (error) failed("looking at", path, error.value());
    return {below, static_cast<std::int64_t>(size), sha256_of(path)};
}

}  // namespace

std::optional<RecordingFile> RecordingDownload::find(const std::string& directory,
                                                     const std::string& engagement_id,
                                                     const std::string& url) {
    const std::string folder = recording_folder(engagement_id);
    const std::string path = directory + "/" + folder;
    std::error_code error;
    fs::directory_iterator entry(path, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
        return std::nullopt;  // the download makes it, or says why it cannot
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(stem_of(url) + ".")) return describe(directory, folder + "/" + name);
    }
    if (error) failed("reading the folder", path, error.value());
    return std::nullopt;
}

RecordingDownload::RecordingDownload(std::string directory, const std::string& engagement_id,
                                     const std::string& url)
    : directory_(std::move(directory)), folder_(recording_folder(engagement_id)), stem_(stem_of(url)) {
    const std::string folder = directory_ + "/" + folder_;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) failed("making", folder, error.value());
    part_ = folder + "/." + stem_ + ".part";
    descriptor_ = open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
    if (descriptor_ < 0) failed("opening", part_);
    const off_t end = lseek(descriptor_, 0, SEEK_END);
    if (end < 0) failed("looking at", part_);
    size_ = static_cast<std::uint64_t>(end);
}

RecordingDownload::~RecordingDownload() {
    if (descriptor_ >= 0) close(descriptor_);
}

void RecordingDownload::restart() {
    if (ftruncate(descriptor_, 0) != 0 || lseek(descriptor_, 0, SEEK_SET) != 0) failed("emptying", part_);
    size_ = 0;
}

void RecordingDownload::append(std::string_view piece) {
    while (!piece.empty()) {
        const ssize_t written = write(descriptor_, piece.data(), piece.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) failed("writing", part_);
        piece.remove_prefix(static_cast<std::size_t>(written));
        size_ += static_cast<std::uint64_t>(written);
    }
}

RecordingFile RecordingDownload::finish(const std::string& content_type) {
    if (fsync(descriptor_) != 0) failed("syncing", part_);
    const std::string below = folder_ + "/" + stem_ + extension_of(content_type);
    const std::string path = directory_ + "/" + below;
    if (rename(part_.c_str(), path.c_str()) != 0) failed("renaming", part_);
    sync_folder(directory_ + "/" + folder_);
    return describe(directory_, below);
}

}  // namespace glia
