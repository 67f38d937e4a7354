// What the commands share: the loop, the API, the store, the committer, and how leases are renewed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/api/engagements_api.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/committer.hpp"
#include "daemon/sync/health.hpp"
#include "daemon/sync/outcome.hpp"
#include "daemon/sync/store.hpp"

namespace glia {

// Another instance takes over after this; renewed three times as often.
inline constexpr Seconds kLeaseTime{30};
// A transaction that holds the row of a lease for so long after it ran out is ended by whoever wants the
// work: its instance could not renew for all that time. Enough for one that is just about to commit.
inline constexpr Seconds kStuckAfter{5};

/// The parts that work by one configuration, put together. Loop's thread only.
///
/// An engine is ended by its scope; whoever destroys it waits for its coroutines first: for the ones that
/// were started by hand, and then for `background`.
struct Engine {
    /// `threads`: connections to the database; `retries`: see Store. Throws std::runtime_error if the CA file
    /// cannot be read.
    Engine(Runtime& loop, Settings by, SinkFactory sinks, int threads, int retries, Metrics& measured);

    Runtime& runtime;
    Scope scope;
    const Settings settings;
    Metrics& metrics;
    EngagementsApi api;
    Store store;
    const std::string owner;  ///< this process, in leases
    Signal details_wanted;    ///< notified when a commit has put something into the detail queue
    Latch background;         ///< coroutines that nobody else waits for
    Committer committer;
    Health health;  ///< how the sites fare that this instance reads

    /// How a sink's failure ends a piece of work: while the engine ends, it was stopped.
    Outcome outcome_of(const SinkError& error) const {
        return {scope.ending() ? Ending::stopped : ending_of(error), error.what()};
    }
};

/// Renews a lease every ten seconds until it is destroyed. `renewal` is asked on the loop's thread for the
/// call that renews what is held at that moment; the call is made on a writer thread.
class Renewal {
  public:
    using Call = std::function<void(Sink&)>;
    Renewal(Engine& engine, std::function<Call()> renewal);
    ~Renewal();
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Frees the leases and claims of instances that are known to be dead.
Task<> take_over_dead(Engine& engine);

/// Ends what an instance that was stopped in the middle of a transaction still holds, long after its lease.
Task<> end_stuck(Engine& engine);

/// Takes over what an earlier program on this machine found out about the server's clock, and leaves what
/// this one did.
Task<> load_server_clock(Engine& engine);
Task<> save_server_clock(Engine& engine);

}  // namespace glia
