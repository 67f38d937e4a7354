// What the commands share: the loop, the API, the store, and how a pass is performed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/api/engagements_api.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/ops/runtime.hpp"
#include "daemon/sync/outcome.hpp"
#include "daemon/sync/pass.hpp"
#include "daemon/sync/store.hpp"

namespace glia {

// Another instance takes over after this; renewed three times as often.
inline constexpr Seconds kLeaseTime{30};

/// The parts, put together. Loop's thread only.
struct Engine {
    Runtime& runtime;
    const Settings& settings;
    EngagementsApi& api;
    Store& store;
    std::string owner;      ///< this process, in leases
    Signal details_wanted;  ///< notified when a commit has put something into the detail queue
};

/// What a pass did.
struct PassResult {
    Outcome outcome;
    bool complete = false;
    bool site_refused =
        false;  ///< the API refuses the site itself (401, 403, 404): other windows of it would fail too
    CommitCounts counts;
    std::int64_t pages = 0;
};

/// Performs `pass`: fetches, and commits behind the fetching, at most one batch at a time. What was fetched
/// before a failure is committed too. Called under a lease that `Renewal` keeps.
Task<PassResult> perform(Engine& engine, Pass pass, std::string site_id);

/// Renews a lease every ten seconds until it is destroyed; `renew` runs on a writer thread.
class Renewal {
  public:
    Renewal(Engine& engine, std::function<void(Sink&)> renew);
    ~Renewal();
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Frees the leases and claims of instances that are known to be dead.
Task<> take_over_dead(Engine& engine);

/// Takes over what an earlier program on this machine found out about the server's clock, and leaves what
/// this one did.
Task<> load_server_clock(Engine& engine);
Task<> save_server_clock(Engine& engine);

/// Copies a detail or list item into a batch, with what the merge needs to know.
void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, Instant fetched_at,
                  const std::string& site_id, const SyncSettings& sync);

}  // namespace glia
