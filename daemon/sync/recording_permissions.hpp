// Recordings are personal data: their folders and files are for the service's user alone. Every function
// blocks: call it on a thread of ThreadPool.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace glia {

/// A file or folder cannot be read or written: the disk is full or read-only, or permissions are missing.
/// `what()` is one line.
class DiskError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

inline constexpr mode_t kRecordingFileMode = 0600;
inline constexpr mode_t kRecordingFolderMode = 0700;

/// Creates `directory`, `directory/below` and the folders between them if they are missing. Parents of
/// `directory` get the default mode. Throws DiskError.
void make_recording_folder(const std::string& directory, const std::string& below);

struct RestrictedRecordings {
    std::size_t changed = 0;
    std::string failed;  ///< the first path whose mode could not be changed, and why; empty if none
};

/// Removes the permissions of group and others. Checks `directory`, its folders, and the files in folders
/// that others can enter. Once all folders are restricted, the cost does not depend on the number of
/// recordings. Leaves `directory` itself alone if it holds anything but recordings.
RestrictedRecordings restrict_recordings(const std::string& directory);

}  // namespace glia
