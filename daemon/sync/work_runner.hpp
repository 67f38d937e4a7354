// Performs a drain of the work queue (work_drain.hpp): claims, renewals and workers, for every kind of work.
#pragma once

#include <functional>
#include <memory>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/work_drain.hpp"

namespace glia {

/// One drain's coroutines. Loop's thread only. The instance and the drain must outlive it.
class WorkRunner {
  public:
    /// Fetches a job.
    using Fetch = std::function<Task<WorkResponse>(WorkJob)>;
    /// Writes outcomes and their records, and reports to the drain. Throws SinkError.
    using Write = std::function<Task<>(std::shared_ptr<const Batch>)>;

    WorkRunner(Instance& instance, WorkDrain& drain, Fetch fetch, Write write)
        : instance_(instance),
          drain_(drain),
          fetch_(std::move(fetch)),
          write_(std::move(write)),
          changed_(instance.runtime) {}

    /// Ends once the drain is over and its outcomes are written. A failure of the sink is in the drain's
    /// result; any other exception of `fetch` ends the program.
    Task<> run();

  private:
    Task<> work(WaitGroup& tasks);
    Task<> work_until_end();
    Task<> claim(WorkDrain::Claim claim);
    Task<> fetch(WorkJob job);

    Instance& instance_;
    WorkDrain& drain_;
    const Fetch fetch_;
    const Write write_;
    AsyncCondition changed_;  // notified when a waiting worker may have a step to perform
};

/// Logs a job that could not be fetched.
void log_failure(WorkKind kind, const WorkOutcome& failure);

}  // namespace glia
