// Fetching legs: GET /engagements/{id} for the details in the work queue.
#pragma once

#include "daemon/sync/work_runner.hpp"

namespace glia {

class Details {
  public:
    explicit Details(Engine& engine) : engine_(engine) {}

    /// Fetches all that is due, newest first, and commits it; ends once nothing is due and nobody waits for
    /// an answer any more, or early if the API is down or refuses the token, or if the engine's scope ends.
    /// One at a time. `with_ongoing`: engagements that go on are queued when it is their time.
    Task<DrainResult> drain(bool with_ongoing);

    std::int64_t fetched_in_all() const { return fetched_in_all_; }
    /// Those of them that are not committed yet.
    std::int64_t unwritten() const { return unwritten_; }

  private:
    Task<WorkResponse> fetch(WorkJob job);
    Task<> commit(WorkDrain& drain, std::shared_ptr<const Batch> batch);

    Engine& engine_;
    std::int64_t fetched_in_all_ = 0;
    std::int64_t unwritten_ = 0;
};

}  // namespace glia
