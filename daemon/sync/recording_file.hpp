// A recording's file while it is downloaded, and once it is complete. Everything here blocks: for Workers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/sync/recording_response.hpp"
#include "sinks/work.hpp"

namespace glia {

/// One recording on its way to disk. What has come stays under a temporary name, from where a later attempt
/// goes on; the final name appears only once all of it is on the disk. Throws DiskError.
class RecordingDownload {
  public:
    /// Opens, or makes, the unfinished file in the folder of the engagement.
    RecordingDownload(std::string directory, const std::string& engagement_id, const std::string& url);
    ~RecordingDownload();
    RecordingDownload(const RecordingDownload&) = delete;
    RecordingDownload& operator=(const RecordingDownload&) = delete;

    /// The complete file of this recording, if an earlier attempt got that far and could not say so. Removes
    /// a file that is no recording.
    static std::optional<RecordingFile> find(const std::string& directory, const std::string& engagement_id,
                                             const std::string& url);

    /// Bytes that are there already, if a later attempt can go on from them; else 0.
    std::uint64_t size() const { return size_; }
    /// What they are a part of.
    const RecordingVersion& version() const { return version_; }
    /// True if a later attempt can go on from what is there.
    bool resumable() const;
    /// Empties the file; what is appended from now on is of this version.
    void restart(const RecordingVersion& version);
    void append(std::string_view piece);
    /// The first kRecordingBeginning bytes, or as many as there are.
    std::string beginning() const;
    /// Syncs, and gives the file its final name, which ends as the version's type suggests.
    RecordingFile finish();
    /// Leaves nothing on disk. Only the destructor may be called afterwards.
    void discard();

  private:
    std::string directory_;
    std::string folder_;  // below the directory
    std::string stem_;    // of the file's name
    std::string part_;    // path of the unfinished file
    std::string version_file_;
    RecordingVersion version_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace glia
