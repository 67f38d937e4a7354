#include "daemon/sync/volume.hpp"

#include "daemon/base/log.hpp"
#include "daemon/sync/volume_schedule.hpp"

namespace glia {
namespace {

constexpr Milliseconds kEvery{300'000};
// The pause while no site has completed its first pass.
constexpr Milliseconds kSoon{15'000};

}  // namespace

Task<bool> count_volume(Instance& instance) {
    const auto read = [](Sink& sink) { return sink.reports().volume_sites(); };
    const std::vector<VolumeSite> sites = co_await instance.sink_pool.run(read);
    const std::vector<VolumeRange> ranges = volume_ranges(sites);
    for (const VolumeRange& range : ranges) {
        if (instance.scope.cancelled()) break;
        const auto count = [sites, range](Sink& sink) {
            sink.reports().count_volume(sites, range.from, range.before);
        };
        co_await instance.sink_pool.run(count);
    }
    // There are more than two ranges on a new day (see volume_ranges()), or if a site is far behind. Deletes
    // counted hours that are too old then, which is at least once a day.
    if (ranges.size() > 2) {
        const auto prune = [](Sink& sink) { sink.reports().prune_volume(kVolumeKept); };
        co_await instance.sink_pool.run(prune);
    }
    co_return !sites.empty();
}

Task<> serve_volume(Instance& instance, WaitGroup& tasks) {
    Milliseconds wait = kSoon;
    while (co_await instance.scope.sleep(wait)) {
        std::optional<SinkError> failure;
        wait = kSoon;
        try {
            if (co_await count_volume(instance)) wait = kEvery;
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) continue;
        wait = kEvery;
        if (instance.scope.cancelled()) break;
        log::warn(LogTopic::service, "engagements were not counted by hour, will be tried again",
                  {{"error", failure->what()}});
    }
    tasks.remove();
}

}  // namespace glia
