#include "daemon/sync/erasure.hpp"

#include <algorithm>
#include <filesystem>

#include "daemon/enrich/recording_path.hpp"
#include "daemon/ops/log.hpp"

namespace glia {
namespace {

/// Called by a writer thread, which may block. True if nothing is left of it.
bool delete_folder(const std::string& directory, const std::string& engagement) {
    const std::filesystem::path folder = std::filesystem::path(directory) / recording_folder(engagement);
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (!error) return true;
    log::warn(LogTopic::service, "recordings cannot be deleted, will be tried again",
              {{"folder", folder.string()}, {"error", error.message()}});
    return false;
}

}  // namespace

Task<Erased> erase_ordered(Engine& engine) {
    const auto erase = [](Sink& sink) { return sink.erase_ordered(); };
    co_return co_await engine.store.run(erase);
}

Task<Erased> erase_expired(Engine& engine) {
    Erased all;
    if (!engine.settings.sync.retention) co_return all;
    // By the clock that lets more be kept: the other may be wrong.
    const Instant now = std::min(engine.api.server_now(), engine.api.machine_now());
    const Instant before = now - *engine.settings.sync.retention;
    for (;;) {
        const auto erase = [before](Sink& sink) { return sink.erase_older(before); };
        const Erased some = co_await engine.store.run(erase);
        all += some;
        if (!some.any() || engine.scope.ending()) co_return all;
    }
}

Task<std::int64_t> erase_recordings(Engine& engine) {
    const std::string directory = engine.settings.enrich.recordings_directory;
    for (;;) {
        const auto erase = [directory](Sink& sink) {
            const std::vector<std::string> engagements = sink.recordings_to_erase();
            std::vector<std::string> gone;
            for (const std::string& engagement : engagements) {
                if (!directory.empty() && delete_folder(directory, engagement)) gone.push_back(engagement);
            }
            if (!gone.empty()) sink.recordings_erased(gone);
            return std::pair<std::size_t, std::size_t>(engagements.size(), gone.size());
        };
        const auto [found, erased] = co_await engine.store.run(erase);
        if (erased < found || found == 0 || engine.scope.ending())
            co_return static_cast<std::int64_t>(found - erased);
    }
}

Task<> erase_what_is_due(Engine& engine) {
    const Erased forgotten = co_await erase_ordered(engine);
    if (forgotten.any()) {
        log::info(LogTopic::service, "went on with forgetting",
                  {{"engagements", forgotten.engagements}, {"rejected", forgotten.rejected}});
    }
    const Erased expired = co_await erase_expired(engine);
    if (expired.any()) {
        log::info(LogTopic::service, "erased what is older than retention allows",
                  {{"engagements", expired.engagements}, {"rejected", expired.rejected}});
    }
    const std::int64_t left = co_await erase_recordings(engine);
    if (left > 0) {
        log::warn(LogTopic::service,
                  "recordings of erased engagements are still to be deleted; the instance that has "
                  "enrich.recordings.directory does it",
                  {{"engagements", left}});
    }
}

}  // namespace glia
