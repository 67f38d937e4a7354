#include "daemon/sync/schedule.hpp"

#include <algorithm>

namespace glia {
namespace {

constexpr Milliseconds kLongestBackoff{300'000};
// After this many failures, the cause is the job itself: it is shown as parked. The pause doubles with each
// failure.
constexpr int kAttemptsBeforeParked = 4;
constexpr Seconds kShortestRetry{30};
constexpr Seconds kLongestRetry{24 * 3600};
constexpr Seconds kShortestRecordingRetry{5};
constexpr Seconds kLongestRecordingRetry{3600};

/// `first`, doubled for each attempt.
Seconds doubled(Seconds first, int attempts, Seconds longest) {
    return std::min(longest, Seconds{first.count() << std::clamp(attempts, 0, 12)});
}

Seconds to_seconds(Milliseconds duration) {
    return std::chrono::duration_cast<Seconds>(duration);
}

}  // namespace

OpenPass incremental_pass(const SiteLease& lease, const SyncSettings& sync, Instant latest) {
    const Instant from =
        std::max(kEarliestStart, lease.synced_through ? std::min(*lease.synced_through, latest) - sync.overlap
                                                      : sync.start_from);
    // Before there is a watermark, another `from` means that start_from has changed.
    if (lease.open_pass &&
        (lease.synced_through ? lease.open_pass->from <= from : lease.open_pass->from == from)) {
        OpenPass open = *lease.open_pass;
        if (open.started_at) open.started_at = std::min(*open.started_at, latest);
        return open;
    }
    OpenPass pass;
    pass.from = from;
    return pass;
}

std::optional<DueTier> due_tier(const std::vector<TierState>& states, const SyncSettings& sync) {
    std::optional<DueTier> due;
    for (const TierSettings& tier : sync.revisit) {
        const auto state = std::find_if(states.begin(), states.end(),
                                        [&](const TierState& s) { return s.back == to_seconds(tier.back); });
        const bool is_due = state == states.end() || !state->since_start || *state->since_start >= tier.every;
        if (is_due && (!due || tier.back > due->back)) due = DueTier{tier.back, {}};
    }
    if (!due) return std::nullopt;
    for (const TierSettings& tier : sync.revisit) {
        if (tier.back <= due->back) due->covers.push_back(to_seconds(tier.back));
    }
    return due;
}

Milliseconds next_poll(const SyncSettings& sync, int failures, double random) {
    const std::int64_t every = sync.poll_every.count();
    const std::int64_t longest = std::max(every, kLongestBackoff.count());
    const std::int64_t wait = std::min(longest, every << std::clamp(failures, 0, 16));
    return Milliseconds{wait - static_cast<std::int64_t>(static_cast<double>(wait) * 0.1 * random)};
}

bool waits_too_long(const SiteAcquired& not_leased, const SyncSettings& sync) {
    return not_leased.instance_id.empty() &&
           not_leased.wait > std::chrono::ceil<Seconds>(next_poll(sync, not_leased.failures, 0));
}

Seconds refetch_wait(const SyncSettings& sync, Instant created_at, Instant now) {
    const auto age = std::chrono::duration_cast<Seconds>(now - created_at);
    const Seconds least = std::max(Seconds{1}, to_seconds(sync.poll_every));
    return std::clamp(Seconds{age.count() / 20}, least, std::max(least, Seconds{3600}));
}

WorkRetry work_retry(int attempts, bool permanent) {
    WorkRetry retry;
    retry.parked = permanent || attempts + 1 >= kAttemptsBeforeParked;
    retry.retry_in = doubled(kShortestRetry, attempts, kLongestRetry);
    return retry;
}

Seconds recording_retry_pause(int attempts) {
    return doubled(kShortestRecordingRetry, attempts, kLongestRecordingRetry);
}

}  // namespace glia
