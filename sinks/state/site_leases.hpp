// State of streams of sites: who reads them, how far they have been read, when they are due (DESIGN.md §3.3,
// §3.8).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// A revisit tier's state.
struct TierState {
    Seconds back{};
    std::optional<Seconds> since_start;  ///< how long ago it last started; none: never
};

/// The right to poll a site, and where it stands.
struct SiteLease {
    std::string site_id;
    std::int64_t epoch = 0;
    OptionalInstant synced_through;
    std::optional<OpenPass> open_pass;
    std::vector<TierState> tiers;
    int failures = 0;  ///< in a row, before this lease
    Stream stream = Stream::engagements;

    SiteTarget target() const { return {site_id, epoch, stream}; }
};

/// Answer to a request for a lease.
struct SiteAcquired {
    std::optional<SiteLease> lease;
    Seconds wait{};     ///< without a lease: after which time to ask again
    std::string owner;  ///< without a lease: who holds it, empty if it is just not due
};

/// What SiteLeases::reset() did.
struct ResetResult {
    bool known = false;  ///< the site has a watermark
    bool moved = false;  ///< false: it is not later than `to` anyway, so nothing was changed
    OptionalInstant before;
};

/// The leases: each stream of a site has its own. Checkpoints move with Sink::commit(), under the lease's
/// epoch.
class SiteLeases {
  public:
    virtual ~SiteLeases() = default;

    /// Leases a site that is due (or any, with `force`) for `ttl`.
    virtual SiteAcquired acquire(const SiteKey& site, const std::string& owner, Seconds ttl, bool force) = 0;
    /// Throws `lease_lost` if the lease has passed to another instance.
    virtual void renew(const SiteTarget& lease, Seconds ttl) = 0;
    /// Gives a site back; an error leaves a row in sync_runs. Does nothing if the lease is no longer held.
    virtual void release(const SiteTarget& lease, const SiteRelease& release) = 0;
    /// Moves a site's watermark back to `to`, forgets its open pass, makes it due at once, and ends the lease
    /// of whoever is reading it: what that one still commits is refused.
    virtual ResetResult reset(const SiteKey& site, Instant to) = 0;
};

}  // namespace glia
