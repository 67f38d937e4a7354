// Recordings are personal data: their folders and files are for the service's user alone. Everything here
// blocks: for Workers.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace glia {

/// The disk cannot take it: full, read-only, or not to be written. `what()` is one line.
class DiskError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

inline constexpr mode_t kRecordingFileMode = 0600;
inline constexpr mode_t kRecordingFolderMode = 0700;

/// Makes `directory`, `directory/below` and what is between them, as far as they are missing. Parents of
/// `directory` get the usual mode. Throws DiskError.
void make_recording_folder(const std::string& directory, const std::string& below);

struct RestrictedRecordings {
    std::size_t changed = 0;
    std::string failed;  ///< the first path whose mode cannot be changed, and why; empty: there is none
};

/// Takes from everybody else what an earlier version, or somebody, gave them. Looks at `directory` and the
/// folders in it, and into those that others can enter; so once all is in order, a call costs the same
/// however many recordings there are. Does not touch `directory` itself if it holds anything but recordings.
RestrictedRecordings restrict_recordings(const std::string& directory);

}  // namespace glia
