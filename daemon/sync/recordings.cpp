// Downloads recordings into a directory. Each attempt requests a new temporary URL, and resumes after the
// bytes that an earlier attempt received if the recording has not changed.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/base/thread_pool.hpp"
#include "daemon/sync/enrichment.hpp"
#include "daemon/sync/recording_file.hpp"
#include "daemon/sync/recording_path.hpp"
#include "daemon/sync/recording_permissions.hpp"
#include "daemon/sync/recording_response.hpp"

namespace glia {
namespace {

RecordingHead recording_head(const HttpResponse& response) {
    return {response.status,
            response.header("Content-Type"),
            response.header("Content-Encoding"),
            response.header("Content-Length"),
            response.header("Content-Range"),
            response.header("ETag"),
            response.header("Last-Modified"),
            response.header("Date")};
}

/// Distinguishes a failure of the server, which would affect other recordings too, from one of this
/// recording.
ApiError download_error(int status, const std::string& why) {
    const bool of_server = status == 408 || status == 429 || status >= 500;
    return {of_server ? ApiError::Kind::unavailable : ApiError::Kind::refused, status,
            "downloading a recording: " + why};
}

class Recordings {
  public:
    explicit Recordings(Instance& instance)
        : instance_(instance),
          directory_(instance.settings.enrich.recordings_directory),
          worker_(instance.runtime, 1) {}

    /// Restricts recordings that an earlier version left readable for others. Only the first call has an
    /// effect.
    Task<> restrict_stored() {
        if (std::exchange(restricted_, true)) co_return;
        const auto restrict_all = [directory = directory_] { return restrict_recordings(directory); };
        const RestrictedRecordings done = co_await worker_.run(restrict_all);
        if (done.changed > 0) {
            log::info(LogTopic::enrich, "other users could read recordings, their modes are changed",
                      {{"directory", directory_}, {"paths", static_cast<std::int64_t>(done.changed)}});
        }
        if (!done.failed.empty()) {
            log::warn(LogTopic::enrich,
                      "other users can read recordings, and the mode cannot be changed; chown them to the "
                      "service's user, or run chmod -R go= on them",
                      {{"error", done.failed}});
        }
    }

    /// Throws DiskError, which pauses the enricher: every recording needs the disk.
    Task<WorkResponse> fetch(WorkJob job) {
        const auto find = [directory = directory_, job] {
            return RecordingDownload::find(directory, job.engagement_id, job.item);
        };
        FetchedContent content;
        content.sent_at = std::chrono::steady_clock::now();
        content.file = co_await worker_.run(find);
        if (content.file) {
            content.fetched_at = instance_.api.server_now();
            co_return content;
        }
        auto where = co_await instance_.api.recording(job.item);
        if (!where) co_return where.error();
        if (where.value().url.empty()) co_return NotReady{};
        const auto open = [directory = directory_, job] {
            return std::make_shared<RecordingDownload>(directory, job.engagement_id, job.item);
        };
        const std::shared_ptr<RecordingDownload> download = co_await worker_.run(open);
        const auto error = co_await receive(where.value().url, download, content);
        if (error) {
            const auto discard_unless_resumable = [download] {
                if (!download->resumable()) download->discard();
                return true;
            };
            co_await worker_.run(discard_unless_resumable);
            co_return *error;
        }
        content.fetched_at = where.value().fetched_at;
        co_return content;
    }

    Task<> remove_files(WorkJob job) {
        const auto remove = [directory = directory_, job] {
            std::error_code error;
            std::filesystem::remove_all(directory + "/" + recording_folder(job.engagement_id), error);
            return !error;
        };
        co_await worker_.run(remove);
    }

  private:
    /// Downloads the recording. Returns none on success, with the file in `content`. If the response does not
    /// continue the bytes on disk, requests the whole file once.
    Task<std::optional<ApiError>> receive(std::string url, std::shared_ptr<RecordingDownload> download,
                                          FetchedContent& content) {
        for (bool again = false;; again = true) {
            RecordingDecision decision;
            int status = 0;
            bool begun = false;
            BodyReceiver receiver;
            receiver.wants = [&](const HttpResponse& head) {
                status = head.status;
                decision = decide_recording(recording_head(head), download->size(), download->version());
                return decision.action == RecordingAction::write_from_start ||
                       decision.action == RecordingAction::append;
            };
            receiver.take = [&, this](std::string piece) -> Task<bool> {
                const bool restart =
                    decision.action == RecordingAction::write_from_start && !std::exchange(begun, true);
                const auto write = [download, restart, version = decision.version, bytes = std::move(piece)] {
                    if (restart) download->restart(version);
                    download->append(bytes);
                    return true;
                };
                co_await worker_.run(write);
                co_return !instance_.scope.cancelled();
            };
            auto response = co_await instance_.api.download(url, download->size(),
                                                            download->version().validator, receiver);
            if (!response) co_return response.error();
            if (decision.action == RecordingAction::refuse) co_return download_error(status, decision.error);
            if (decision.action == RecordingAction::start_over) {
                if (again) co_return download_error(status, decision.error);
                const auto empty = [download] {
                    download->restart({});
                    return true;
                };
                co_await worker_.run(empty);
                continue;
            }
            const bool nothing = decision.action == RecordingAction::write_from_start && !begun;
            const auto finish = [download, nothing, version = decision.version] {
                FinishedDownload finished;
                if (nothing) download->restart(version);  // an empty body: `take` was never called
                finished.fault = recording_fault(download->size(), version, download->beginning());
                if (finished.fault.empty()) {
                    finished.file = download->finish();
                } else if (download->size() >= version.length.value_or(0)) {
                    download->discard();  // the body is complete but not a recording
                }
                return finished;
            };
            FinishedDownload finished = co_await worker_.run(finish);
            if (!finished.fault.empty()) co_return download_error(status, finished.fault);
            content.file = std::move(finished.file);
            co_return std::nullopt;
        }
    }

    struct FinishedDownload {
        std::string fault;  ///< empty: the file is complete
        std::optional<RecordingFile> file;
    };

    Instance& instance_;
    std::string directory_;
    bool restricted_ = false;
    ThreadPool worker_;  // one thread: a second one does not make the disk faster
};

}  // namespace

std::unique_ptr<EnrichmentQueue> make_recordings(Instance& instance) {
    const auto recordings = std::make_shared<Recordings>(instance);
    const auto fetch = [recordings](WorkJob job) { return recordings->fetch(std::move(job)); };
    const auto remove_files = [recordings](WorkJob job) { return recordings->remove_files(std::move(job)); };
    const auto prepare = [recordings] { return recordings->restrict_stored(); };
    return std::make_unique<EnrichmentQueue>(instance, WorkKind::recording, fetch, remove_files, prepare);
}

}  // namespace glia
