// What is done for a site while its lease is held: the incremental pass, then the widest revisit tier that is
// due, and how the lease is given back. Decisions only.
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
    /// The pass to perform now, with on_result() after it; none: the poll is over. `server_now`: the
    /// server's clock, for how far back a revisit reaches. `machine_now`: this machine's own clock, which a
    /// watermark cannot be ahead of. `random` in [0, 1), for jitter.
    std::optional<Read> next(Instant server_now, Instant machine_now, double random);
    void on_result(const PassResult& result);
    /// The stored watermark is in the future by both clocks: a wrong clock wrote it. The poll sets it back.
    bool watermark_ahead(Instant server_now, Instant machine_now) const;

    const Outcome& outcome() const { return outcome_; }
    std::int64_t rejected() const { return rejected_; }
    /// With what the lease is given back, or has been. `random` as above.
    SiteRelease release(double random) const;
    /// The lease went back with the last commit.
    bool given_back() const { return at_ == At::over && with_last_commit_; }

  private:
    enum class At { incremental, revisit, over };

    SiteLease lease_;
    SyncSettings sync_;
    At at_ = At::incremental;
    Outcome outcome_;
    std::int64_t rejected_ = 0;
    std::optional<FailedPass> failed_;
    std::optional<SiteRelease> with_last_commit_;  // unless that commit came to nothing
};

}  // namespace glia
