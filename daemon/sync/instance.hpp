// The parts that all commands share: the loop, the API, the sink pool, the committer, and the renewal of
// leases.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/api/engagements_api.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/committer.hpp"
#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/health.hpp"
#include "daemon/sync/sink_pool.hpp"
#include "daemon/sync/unlisted.hpp"

namespace glia {

// Duration of a lease: another instance may acquire it this long after its last renewal. Leases are renewed
// after a third of this time.
inline constexpr Seconds kLeaseTime{30};
// If a transaction still locks a lease's row this long after the lease expired, the instance that wants the
// lease ends its backend. Long enough for a transaction that is about to commit.
inline constexpr Seconds kStuckAfter{5};

/// The parts of the program that run with one configuration. Loop's thread only.
///
/// Cancelling `scope` ends an instance. Before destroying it, wait for its coroutines: the spawned ones, then
/// `background`.
struct Instance {
    /// `threads`: connections to the database; `retries`: see SinkPool. Throws std::runtime_error if the CA
    /// file cannot be read.
    Instance(Runtime& loop, Settings configuration, SinkFactory sinks, int threads, int retries,
             Metrics& shared_metrics);

    Runtime& runtime;
    CancellationScope scope;
    const Settings settings;
    Metrics& metrics;
    EngagementsApi api;
    SinkPool sink_pool;
    const std::string instance_id;  ///< this process, in leases
    AsyncEvent details_enqueued;    ///< set when a commit has queued details
    WaitGroup background;           ///< coroutines that no other coroutine waits for
    Committer committer;
    Health health;  ///< the state of the sites that this instance reads
    PresenceMemory presence;

    /// Converts a sink's failure into an exit status: `stopped` once the scope is cancelled.
    ExitStatus exit_status_of(const SinkError& error) const {
        return {scope.cancelled() ? ExitReason::stopped : exit_reason_of(error), error.what()};
    }
};

/// Renews leases every ten seconds until this object is destroyed. `renewal` runs on the loop's thread and
/// returns the call that renews the leases held at that moment; the call runs on a writer thread.
class Renewal {
  public:
    using Call = std::function<void(Sink&)>;
    Renewal(Instance& instance, std::function<Call()> renewal);
    /// Renews the lease of one site.
    Renewal(Instance& instance, SiteTarget lease);
    ~Renewal();
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Acquires the lease of a site's stream for kLeaseTime. `force`: also if the site is not due. Throws
/// SinkError.
Task<SiteAcquired> acquire_site(Instance& instance, SiteKey site, bool force);

/// Frees the leases and claims of instances that are known to be dead.
Task<> release_leases_of_dead_instances(Instance& instance);

/// Ends transactions of stopped instances that still lock a lease's row kStuckAfter after the lease expired.
Task<> end_stuck_transactions(Instance& instance);

/// Load and save the offset of the API server's clock, for later processes on this machine.
Task<> load_server_clock(Instance& instance);
Task<> save_server_clock(Instance& instance);

}  // namespace glia
