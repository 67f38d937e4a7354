#include "daemon/sync/recording_permissions.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace glia {
namespace {

namespace fs = std::filesystem;

void make_folder(const std::string& path) {
    if (mkdir(path.c_str(), kRecordingFolderMode) == 0 || errno == EEXIST) return;
    throw DiskError("creating " + path + ": " + std::generic_category().message(errno));
}

/// True for a folder's name that recording_folder() gives its first level: two hexadecimal digits.
bool holds_recordings(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.size() == 2 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

/// Calls `visit` for each entry. Stops if the folder is removed meanwhile or cannot be read.
template <typename Iterator, typename Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
    std::error_code error;
    for (Iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) visit(*entry);
}

class Restriction {
  public:
    bool is_open(const fs::path& path) const {
        struct stat found{};
        return lstat(path.c_str(), &found) == 0 && !S_ISLNK(found.st_mode) && (found.st_mode & 0077) != 0;
    }
    void close(const fs::path& path) {
        struct stat found{};
        if (lstat(path.c_str(), &found) != 0 || S_ISLNK(found.st_mode) || (found.st_mode & 0077) == 0) return;
        if (chmod(path.c_str(), found.st_mode & 0700) == 0) {
            ++result_.changed;
        } else if (errno != ENOENT && result_.failed.empty()) {
            result_.failed = path.string() + ": " + std::generic_category().message(errno);
        }
    }
    const RestrictedRecordings& result() const { return result_; }

  private:
    RestrictedRecordings result_;
};

}  // namespace

void make_recording_folder(const std::string& directory, const std::string& below) {
    fs::path top = fs::path(directory).lexically_normal();
    if (!top.has_filename()) top = top.parent_path();  // strips a trailing slash
    std::error_code error;
    if (top.has_parent_path()) fs::create_directories(top.parent_path(), error);
    if (error)
        throw DiskError("creating " + top.parent_path().string() + ": " +
                        std::generic_category().message(error.value()));
    fs::path folder = top;
    make_folder(folder.string());
    for (const fs::path& part : fs::path(below)) make_folder((folder /= part).string());
}

RestrictedRecordings restrict_recordings(const std::string& directory) {
    Restriction restriction;
    bool only_recordings = true;
    for_each_entry<fs::directory_iterator>(directory, [&](const fs::directory_entry& entry) {
        if (!holds_recordings(entry.path())) {
            only_recordings = false;
            return;
        }
        if (!restriction.is_open(entry.path())) return;
        for_each_entry<fs::recursive_directory_iterator>(
            entry.path(), [&](const fs::directory_entry& below) { restriction.close(below.path()); });
        restriction.close(entry.path());  // last: after an interrupted call the next one checks again
    });
    std::error_code error;
    const fs::path top = fs::canonical(directory, error);
    if (!error && only_recordings && fs::is_directory(top, error)) restriction.close(top);
    return restriction.result();
}

}  // namespace glia
