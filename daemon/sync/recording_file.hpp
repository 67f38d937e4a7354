// A recording's file while it is downloaded, and once it is complete. Every function blocks: call it on a
// thread of ThreadPool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/sync/recording_response.hpp"
#include "sinks/work.hpp"

namespace glia {

/// A recording while it is downloaded. Received bytes go to a file with a temporary name, from which a later
/// attempt resumes. The file gets its final name after its last byte is synced. Throws DiskError.
class RecordingDownload {
  public:
    /// Opens or creates the unfinished file in the engagement's folder.
    RecordingDownload(std::string directory, const std::string& engagement_id, const std::string& url);
    ~RecordingDownload();
    RecordingDownload(const RecordingDownload&) = delete;
    RecordingDownload& operator=(const RecordingDownload&) = delete;

    /// The complete file of this recording, if an earlier attempt finished it but could not record that.
    /// Removes a file that is no recording.
    static std::optional<RecordingFile> find(const std::string& directory, const std::string& engagement_id,
                                             const std::string& url);

    /// Bytes of the recording on disk. Right after the file was opened: 0 if the download cannot resume from
    /// them.
    std::uint64_t size() const { return size_; }
    /// The version of the recording that these bytes belong to.
    const RecordingVersion& version() const { return version_; }
    /// True if a later attempt can resume from the bytes on disk.
    bool resumable() const;
    /// Empties the file. Later bytes belong to `version`.
    void restart(const RecordingVersion& version);
    void append(std::string_view piece);
    /// The first kRecordingBeginning bytes, or as many as there are.
    std::string beginning() const;
    /// Syncs the file and renames it to its final name, whose extension follows the version's type.
    RecordingFile finish();
    /// Removes everything from disk. Only the destructor may be called afterwards.
    void discard();

  private:
    std::string directory_;
    std::string folder_;  // relative to the directory
    std::string stem_;    // the file's name without its extension
    std::string part_;    // path of the unfinished file
    std::string version_file_;
    RecordingVersion version_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace glia
