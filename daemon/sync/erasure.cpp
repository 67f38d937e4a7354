#include "daemon/sync/erasure.hpp"

#include <algorithm>
#include <filesystem>

#include "daemon/base/log.hpp"
#include "daemon/base/thread_pool.hpp"
#include "daemon/sync/recording_path.hpp"

namespace glia {
namespace {

// Maximum duration of one turn of retention. Bounds how long `run --once` spends on it, and how long orders
// of `forget` wait for their next turn.
constexpr std::chrono::seconds kRetentionTurn{60};

/// Deletes an engagement's recordings. Blocks. Returns true if the folder is gone.
bool delete_folder(const std::string& directory, const std::string& engagement) {
    const std::filesystem::path folder = std::filesystem::path(directory) / recording_folder(engagement);
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (!error) return true;
    log::warn(LogTopic::service, "recordings cannot be deleted, will be tried again",
              {{"folder", folder.string()}, {"error", error.message()}});
    return false;
}

std::vector<std::string> delete_folders(const std::string& directory,
                                        const std::vector<std::string>& engagements) {
    std::vector<std::string> gone;
    for (const std::string& engagement : engagements) {
        if (delete_folder(directory, engagement)) gone.push_back(engagement);
    }
    return gone;
}

/// True if there is more to erase. Throws SinkError.
Task<bool> erase_expired(Instance& instance, RetentionCursor& cursor, Erased& all) {
    if (!instance.settings.sync.retention) co_return false;
    // Uses the earlier clock, which erases less: the other one may be wrong.
    const Instant now = std::min(instance.api.server_now(), instance.api.machine_now());
    const Instant before = now - *instance.settings.sync.retention;
    const auto end = std::chrono::steady_clock::now() + kRetentionTurn;
    while (cursor.stage != RetentionCursor::Stage::finished) {
        if (instance.scope.cancelled() || std::chrono::steady_clock::now() >= end) co_return true;
        const auto erase = [before, cursor](Sink& sink) {
            RetentionCursor next = cursor;
            const Erased some = sink.erasures().erase_older(before, next);
            return std::make_pair(some, next);
        };
        const auto [some, next] = co_await instance.sink_pool.run(erase);
        all += some;
        cursor = next;
    }
    cursor = {};
    co_return false;
}

void note_failure(ErasureTurn& turn, const char* what, const SinkError& error) {
    log::warn(LogTopic::service, "erasing failed, will be tried again",
              {{"what", what}, {"error", error.what()}});
    if (!turn.failure) turn.failure.emplace(error);
}

}  // namespace

Task<Erased> erase_ordered(Instance& instance, ErasureQueue& orders) {
    const auto list = [](Sink& sink) { return sink.erasures().orders(); };
    orders.begin(co_await instance.sink_pool.run(list));
    Erased all;
    std::optional<SinkError> first;
    while (const auto order = orders.next()) {
        if (instance.scope.cancelled()) break;
        const auto erase = [order = *order](Sink& sink) { return sink.erasures().erase_part(order); };
        std::optional<SinkError> failure;
        try {
            const ErasureStep step = co_await instance.sink_pool.run(erase);
            all += step.erased;
            orders.on_step(step);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) continue;
        orders.on_failure();
        if (!first) first = failure;
    }
    if (all.any()) {
        log::info(
            LogTopic::service, "erased forgotten data",
            {{"engagements", all.engagements}, {"rejected", all.rejected}, {"operators", all.operators}});
    }
    if (first) throw SinkError(*first);
    co_return all;
}

Task<std::int64_t> erase_recordings(Instance& instance) {
    const std::string directory = instance.settings.enrich.recordings_directory;
    ThreadPool files(instance.runtime, 1);  // the sink pool's threads are for calls of the database
    std::int64_t left = 0;
    for (std::string after; !instance.scope.cancelled();) {
        const auto list = [after](Sink& sink) { return sink.erasures().recordings_to_erase(after); };
        const std::vector<std::string> engagements = co_await instance.sink_pool.run(list);
        if (engagements.empty()) break;
        after = engagements.back();
        left += static_cast<std::int64_t>(engagements.size());
        if (directory.empty()) break;
        const auto erase = [directory, engagements] { return delete_folders(directory, engagements); };
        const std::vector<std::string> gone = co_await files.run(erase);
        if (gone.empty()) continue;
        const auto note = [gone](Sink& sink) { sink.erasures().recordings_erased(gone); };
        co_await instance.sink_pool.run(note);
        left -= static_cast<std::int64_t>(gone.size());
    }
    co_return left;
}

Task<ErasureTurn> erase_what_is_due(Instance& instance, ErasureState& state) {
    ErasureTurn turn;
    try {
        co_await erase_ordered(instance, state.orders);
    } catch (const SinkError& error) {
        note_failure(turn, "forgotten data", error);
    }
    Erased expired;
    try {
        turn.more = co_await erase_expired(instance, state.retention, expired);
    } catch (const SinkError& error) {
        note_failure(turn, "data older than retention", error);
    }
    if (expired.any()) {
        log::info(LogTopic::service, "erased data older than retention",
                  {{"engagements", expired.engagements}, {"rejected", expired.rejected}});
    }
    try {
        const std::int64_t left = co_await erase_recordings(instance);
        if (left > 0) {
            log::warn(LogTopic::service,
                      "recordings of erased engagements are not deleted yet; the instance that has "
                      "enrich.recordings.directory deletes them",
                      {{"engagements", left}});
        }
    } catch (const SinkError& error) {
        note_failure(turn, "recordings", error);
    }
    co_return turn;
}

}  // namespace glia
