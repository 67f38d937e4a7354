#include "daemon/sync/verdict.hpp"

#include <algorithm>

#include "sinks/content_hash.hpp"

namespace glia {
namespace {

// Bounds the observations of an engagement that the service or the source changes constantly, so that no two
// agree.
constexpr int kMaxObservations = 6;
// This many gone engagements are always plausible.
constexpr std::int64_t kAlwaysPlausible = 5;

bool is_same(const SourceObservation& a, const SourceObservation& b) {
    return a.content.core == b.content.core && a.content.legs == b.content.legs &&
           a.comparison.finding == b.comparison.finding && a.comparison.version == b.comparison.version;
}

}  // namespace

Verdict judge(const std::optional<SourceObservation>& before, const SourceObservation& now, int observations,
              bool others_write) {
    // If a row's fetched_at is later than the response's, the row is normally newer than the response. But if
    // the row has not changed since the previous observation, its time comes from a wrong clock.
    const bool is_stable = before && is_same(*before, now);
    if (is_stable || (!others_write && !now.comparison.newer)) return Verdict::difference;
    return observations < kMaxObservations ? Verdict::recheck : Verdict::no_difference;
}

Milliseconds recheck_delay(const SiteStatus* site, Milliseconds poll_every, Instant now) {
    constexpr Milliseconds kAtLeast{2'000};
    // Sufficient for a poll every six minutes. With rarer polls, a new engagement may count as missing.
    constexpr Milliseconds kAtMost{600'000};
    if (!site) return Milliseconds{0};
    const bool was_read_lately =
        site->last_success_at && now - *site->last_success_at < 3 * poll_every + kAtLeast;
    if (!site->lease_owner && !was_read_lately) return Milliseconds{0};
    return std::min(3 * poll_every / 2 + kAtLeast, kAtMost);
}

bool is_plausibly_gone(std::int64_t gone, std::int64_t stored) {
    return gone <= kAlwaysPlausible || gone * 5 <= stored;
}

std::int64_t most_plausibly_stored(std::int64_t listed) {
    return std::max(listed + kAlwaysPlausible, listed * 5 / 4);
}

bool is_sampled(const std::string& engagement_id, const std::string& salt, double share) {
    if (share >= 1) return true;
    const ContentHash hash = bytes_hash(salt + engagement_id);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | hash[i];
    return value < share * 4294967296.0;
}

}  // namespace glia
