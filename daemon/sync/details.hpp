// Fetching legs: GET /engagements/{id} for what waits in detail_queue, max_in_flight at a time.
#pragma once

#include <deque>
#include <memory>

#include "daemon/sync/engine.hpp"

namespace glia {

/// What a drain did.
struct DrainResult {
    Outcome outcome;
    std::int64_t fetched = 0;
    std::int64_t failed = 0;
};

class Details {
  public:
    explicit Details(Engine& engine) : engine_(engine), claiming_(engine.runtime) {}

    /// Fetches all that is due now, newest first, and commits it; ends early if the API is down or refuses
    /// the token.
    Task<DrainResult> drain();

    std::int64_t fetched_in_all() const { return fetched_in_all_; }

  private:
    struct Drain;
    Task<> work(Drain& drain, Latch& latch);
    Task<std::optional<DetailJob>> take(Drain& drain);
    Task<> fetch(Drain& drain, DetailJob job);
    void fail(Drain& drain, const DetailJob& job, const ApiError& error);
    Task<> flush(Drain& drain);

    Engine& engine_;
    AsyncMutex claiming_;
    std::int64_t fetched_in_all_ = 0;
};

}  // namespace glia
