// Fetching legs: GET /engagements/{id} for the details in the work queue.
#pragma once

#include "daemon/sync/work_runner.hpp"

namespace glia {

class Details {
  public:
    explicit Details(Instance& instance) : instance_(instance) {}

    /// Fetches and commits all due details, newest first. Ends when nothing is due and no request is under
    /// way, or early if the API is down or refuses the token, or if the instance's scope is cancelled. Only
    /// one drain may run at a time. `with_ongoing`: also queues ongoing engagements whose details are due
    /// again.
    Task<DrainResult> drain(bool with_ongoing);

    std::int64_t fetched_in_all() const { return fetched_in_all_; }
    /// The number of details that were fetched but not committed.
    std::int64_t unwritten() const { return unwritten_; }

  private:
    Task<WorkResponse> fetch(WorkJob job);
    Task<> commit(WorkDrain& drain, std::shared_ptr<const Batch> batch);

    Instance& instance_;
    std::int64_t fetched_in_all_ = 0;
    std::int64_t unwritten_ = 0;
};

}  // namespace glia
