// Recordings into a directory: where a recording is to be had is asked each time, what came before a failure
// is gone on from, and nothing is downloaded twice.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "daemon/enrich/enrichment.hpp"
#include "daemon/enrich/recording_file.hpp"
#include "daemon/enrich/recording_path.hpp"
#include "daemon/ops/workers.hpp"

namespace glia {
namespace {

// Downloads at once: they share the line with the sync.
constexpr int kWorkers = 4;
// A recording is ready "shortly after" its engagement has ended; the wait for it doubles each time.
constexpr Seconds kMadeSoon{5};
constexpr Seconds kMadeLater{3600};

/// Where a 206's body begins; none: it does not say.
std::optional<std::uint64_t> range_start(const HttpResponse& response) {
    const std::string range = response.header("Content-Range");
    constexpr std::string_view kUnit = "bytes ";
    std::uint64_t start = 0;
    if (!range.starts_with(kUnit)) return std::nullopt;
    const auto [end, error] =
        std::from_chars(range.data() + kUnit.size(), range.data() + range.size(), start);
    if (error != std::errc{} || end == range.data() + range.size() || *end != '-') return std::nullopt;
    return start;
}

class Recordings {
  public:
    explicit Recordings(Engine& engine)
        : engine_(engine),
          directory_(engine.settings.enrich.recordings_directory),
          worker_(engine.runtime, 1) {}

    Task<EnrichmentFetched> fetch(EnrichmentJob job) {
        EnrichmentFetched fetched = outcome_of(job);
        std::optional<DiskError> disk;
        try {
            fetched = co_await try_fetch(std::move(job), std::move(fetched));
        } catch (const DiskError& error) {
            disk.emplace(error);
        }
        if (disk) {
            // The disk is everybody's: this enricher rests, and nothing else does.
            fetched.outcome.attempted = false;
            fetched.trouble = Outcome{Ending::unavailable, std::string("recordings: ") + disk->what()};
        }
        co_return fetched;
    }

    Task<> erased(EnrichmentJob job) {
        const auto remove = [directory = directory_, job] {
            std::error_code error;
            std::filesystem::remove_all(directory + "/" + recording_folder(job.engagement_id), error);
            return !error;
        };
        co_await worker_.run(remove);
    }

  private:
    static EnrichmentFetched outcome_of(const EnrichmentJob& job) {
        EnrichmentFetched fetched;
        fetched.outcome.enricher = Enricher::recording;
        fetched.outcome.job = job;
        return fetched;
    }

    Task<EnrichmentFetched> try_fetch(EnrichmentJob job, EnrichmentFetched fetched) {
        EnrichmentOutcome& outcome = fetched.outcome;
        const auto find = [directory = directory_, job] {
            return RecordingDownload::find(directory, job.engagement_id, job.item);
        };
        outcome.file = co_await worker_.run(find);
        if (outcome.file) {
            outcome.fetched_at = engine_.api.server_now();
            co_return fetched;
        }
        auto where = co_await engine_.api.recording(job.item);
        if (!where) co_return failed_fetch(Enricher::recording, std::move(job), where.error());
        if (where.value().url.empty()) {
            outcome.retry_in = std::min(kMadeLater, kMadeSoon * (1 << std::min(job.attempts, 12)));
            co_return fetched;
        }
        const auto open = [directory = directory_, job] {
            return std::make_shared<RecordingDownload>(directory, job.engagement_id, job.item);
        };
        const std::shared_ptr<RecordingDownload> download = co_await worker_.run(open);
        const auto error = co_await receive(where.value().url, download, outcome);
        if (error) co_return failed_fetch(Enricher::recording, std::move(job), *error);
        outcome.fetched_at = where.value().fetched_at;
        co_return fetched;
    }

    /// None: the file is complete, and in `outcome`.
    Task<std::optional<ApiError>> receive(std::string url, std::shared_ptr<RecordingDownload> download,
                                          EnrichmentOutcome& outcome) {
        const std::uint64_t from = download->size();
        bool restart = false;
        bool wanted = false;
        BodyReceiver receiver;
        receiver.wants = [&](const HttpResponse& head) {
            const bool goes_on = head.status == 206 && range_start(head) == from;
            restart = head.status == 200;
            wanted = goes_on || restart;
            return wanted;
        };
        receiver.take = [&, this](std::string piece) -> Task<bool> {
            const bool first = std::exchange(restart, false);
            const auto write = [download, first, bytes = std::move(piece)] {
                if (first) download->restart();
                download->append(bytes);
                return true;
            };
            co_await worker_.run(write);
            co_return !engine_.scope.ending();
        };
        auto response = co_await engine_.api.download(std::move(url), from, receiver);
        if (!response) co_return response.error();
        const HttpResponse& head = response.value();
        if (!wanted) {
            if (from > 0) {  // what is there does not fit: the next attempt begins anew
                const auto forget = [download] {
                    download->restart();
                    return true;
                };
                co_await worker_.run(forget);
            }
            const auto kind = head.status >= 400 && head.status < 500 && head.status != 429 && from == 0
                                  ? ApiError::Kind::refused
                                  : ApiError::Kind::unavailable;
            co_return ApiError{kind, head.status,
                               "downloading a recording: HTTP " + std::to_string(head.status)};
        }
        const auto finish = [download, restart, type = head.header("Content-Type")] {
            if (restart) download->restart();  // a body without a byte
            return download->finish(type);
        };
        outcome.file = co_await worker_.run(finish);
        co_return std::nullopt;
    }

    Engine& engine_;
    std::string directory_;
    Workers worker_;  // one: two would not make a disk faster
};

}  // namespace

std::unique_ptr<EnrichmentQueue> make_recordings(Engine& engine) {
    const auto recordings = std::make_shared<Recordings>(engine);
    const auto fetch = [recordings](EnrichmentJob job) { return recordings->fetch(std::move(job)); };
    const auto erased = [recordings](EnrichmentJob job) { return recordings->erased(std::move(job)); };
    return std::make_unique<EnrichmentQueue>(engine, Enricher::recording, kWorkers, fetch, erased);
}

}  // namespace glia
