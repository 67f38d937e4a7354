// The work for a site under its lease: the incremental pass, the widest revisit tier that is due, and the
// release of the lease. Decisions only.
#pragma once

#include <optional>
#include <string>

#include "daemon/config/settings.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/schedule.hpp"

namespace glia {

class SitePoll {
  public:
    SitePoll(SiteLease lease, const SyncSettings& sync);

    struct Read {
        Pass pass;
        const char* mode;  ///< incremental or revisit, for the log
    };
    /// Returns the next pass; call on_result() after it. None if the poll is over. `server_now`: the server's
    /// clock, which determines how far back a revisit reaches. `machine_now`: this machine's own clock. A
    /// watermark more than a minute after both clocks is not used. `random` in [0, 1), for jitter.
    std::optional<Read> next(Instant server_now, Instant machine_now, double random);
    void on_result(const PassResult& result);
    /// The stored watermark is in the future by both clocks: a wrong clock wrote it. The poll sets it back.
    bool watermark_ahead(Instant server_now, Instant machine_now) const;

    const ExitStatus& outcome() const { return outcome_; }
    std::int64_t rejected() const { return rejected_; }
    /// How to release the lease, or how the last commit released it. `random` as above.
    SiteRelease release(double random) const;
    /// The last commit released the lease.
    bool given_back() const { return at_ == At::over && with_last_commit_; }

  private:
    enum class At { incremental, revisit, over };

    SiteLease lease_;
    SyncSettings sync_;
    At at_ = At::incremental;
    ExitStatus outcome_;
    std::int64_t rejected_ = 0;
    std::optional<FailedPass> failed_;
    // How the last commit of the incremental pass releases the lease. None if a revisit is due, or if the
    // pass did not complete.
    std::optional<SiteRelease> with_last_commit_;
};

}  // namespace glia
