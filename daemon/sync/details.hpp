// Fetching legs: GET /engagements/{id} for what waits in detail_queue. detail_drain.hpp decides, this
// performs.
#pragma once

#include "daemon/sync/detail_drain.hpp"
#include "daemon/sync/engine.hpp"

namespace glia {

class Details {
  public:
    explicit Details(Engine& engine) : engine_(engine), claiming_(engine.runtime) {}

    /// Fetches all that is due now, newest first, and commits it; ends early if the API is down or refuses
    /// the token, or if the engine's scope ends.
    Task<DrainResult> drain();

    std::int64_t fetched_in_all() const { return fetched_in_all_; }

  private:
    Task<> work(DetailDrain& drain, Latch& latch);
    Task<std::optional<DetailJob>> take(DetailDrain& drain);
    Task<> fetch(DetailDrain& drain, DetailJob job);
    Task<> flush(DetailDrain& drain);

    Engine& engine_;
    AsyncMutex claiming_;
    std::int64_t fetched_in_all_ = 0;
};

}  // namespace glia
