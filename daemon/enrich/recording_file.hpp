// A recording's file while it is downloaded, and once it is complete. Everything here blocks: for Workers.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sinks/enrichment.hpp"

namespace glia {

/// The disk cannot take it: full, read-only, or not to be written. `what()` is one line.
class DiskError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One recording on its way to disk. What has come stays under a temporary name, from where a later attempt
/// goes on; the final name appears only once all of it is on the disk. Throws DiskError.
class RecordingDownload {
  public:
    /// Opens, or makes, the unfinished file in the folder of the engagement.
    RecordingDownload(std::string directory, const std::string& engagement_id, const std::string& url);
    ~RecordingDownload();
    RecordingDownload(const RecordingDownload&) = delete;
    RecordingDownload& operator=(const RecordingDownload&) = delete;

    /// The complete file of this recording, if an earlier attempt got that far and could not say so.
    static std::optional<RecordingFile> find(const std::string& directory, const std::string& engagement_id,
                                             const std::string& url);

    /// Bytes that are there already.
    std::uint64_t size() const { return size_; }
    void restart();
    void append(std::string_view piece);
    /// Syncs, and gives the file its final name, which ends as `content_type` suggests.
    RecordingFile finish(const std::string& content_type);

  private:
    std::string directory_;
    std::string folder_;  // below the directory
    std::string stem_;    // of the file's name
    std::string part_;    // path of the unfinished file
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace glia
