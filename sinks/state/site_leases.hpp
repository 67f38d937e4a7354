// State of each stream of a site: lease, watermark, open pass, and when it is due (DESIGN.md §3.3, §3.8).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

struct TierState {
    Seconds back{};
    std::optional<Seconds> since_start;  ///< how long ago it last started; none: never
};

/// A lease on a site's stream, with the stream's state.
struct SiteLease {
    std::string site_id;
    std::int64_t epoch = 0;
    OptionalInstant synced_through;
    std::optional<OpenPass> open_pass;
    std::vector<TierState> tiers;
    int failures = 0;  ///< consecutive failures before this lease
    Stream stream = Stream::engagements;

    SiteTarget target() const { return {site_id, epoch, stream}; }
};

/// The result of a request for a lease.
struct SiteAcquired {
    std::optional<SiteLease> lease;
    Seconds wait{};           ///< without a lease: time until the next attempt
    std::string instance_id;  ///< without a lease: its holder; empty if the stream is only not due
    int failures = 0;         ///< without a lease: consecutive failures so far
};

/// The result of SiteLeases::reset().
struct ResetResult {
    bool known = false;  ///< the site has a watermark
    bool moved = false;  ///< false if the watermark was not later than `to`, so nothing changed
    OptionalInstant before;
};

/// The leases: each stream of a site has its own. Checkpoints move with Sink::commit(), under the lease's
/// epoch.
class SiteLeases {
  public:
    virtual ~SiteLeases() = default;

    /// Leases a free site for `ttl` if it is due or `force` is set.
    virtual SiteAcquired acquire(const SiteKey& site, const std::string& instance_id, Seconds ttl,
                                 bool force) = 0;
    /// Throws `lease_lost` if the lease has passed to another instance.
    virtual void renew(const SiteTarget& lease, Seconds ttl) = 0;
    /// Releases a site. An error is recorded in sync_runs. Does nothing if the lease is no longer held.
    virtual void release(const SiteTarget& lease, const SiteRelease& release) = 0;
    /// Moves a site's watermark back to `to`, drops its open pass, makes it due at once, and ends the current
    /// lease, so that later commits of its holder are refused.
    virtual ResetResult reset(const SiteKey& site, Instant to) = 0;
};

}  // namespace glia
