// Fetching legs: GET /engagements/{id} for what waits in detail_queue. detail_drain.hpp decides, this
// performs.
#pragma once

#include "daemon/sync/detail_drain.hpp"
#include "daemon/sync/engine.hpp"

namespace glia {

class Details {
  public:
    explicit Details(Engine& engine) : engine_(engine), claiming_(engine.runtime) {}

    /// Fetches all that is due, newest first, and commits it; ends once nothing is due and nobody waits for
    /// an answer any more, or early if the API is down or refuses the token, or if the engine's scope ends.
    /// One at a time. `with_ongoing`: engagements that go on are queued when it is their time.
    Task<DrainResult> drain(bool with_ongoing);

    std::int64_t fetched_in_all() const { return fetched_in_all_; }
    /// Those of them that are not committed yet.
    std::int64_t unwritten() const { return unwritten_; }

  private:
    struct Round;
    Task<> drain(Round& round);
    Task<> work(Round& round, Latch& latch);
    Task<std::optional<DetailJob>> take(Round& round);
    Task<> fetch(Round& round, DetailJob job);
    Task<> flush(Round& round);

    Engine& engine_;
    AsyncMutex claiming_;
    std::int64_t fetched_in_all_ = 0;
    std::int64_t unwritten_ = 0;
};

}  // namespace glia
