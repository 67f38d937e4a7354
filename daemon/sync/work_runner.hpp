// Performs a drain of the work queue (work_drain.hpp): claims, renewals and workers, for every kind of work.
#pragma once

#include <functional>
#include <memory>

#include "daemon/sync/engine.hpp"
#include "daemon/sync/work_drain.hpp"

namespace glia {

/// One drain's coroutines. Loop's thread only; outlived by the engine and the drain.
class WorkRunner {
  public:
    /// Fetches a job.
    using Fetch = std::function<Task<WorkResponse>(WorkJob)>;
    /// Writes outcomes and their records, and tells the drain. Throws SinkError.
    using Write = std::function<Task<>(std::shared_ptr<const Batch>)>;

    WorkRunner(Engine& engine, WorkDrain& drain, Fetch fetch, Write write)
        : engine_(engine),
          drain_(drain),
          fetch_(std::move(fetch)),
          write_(std::move(write)),
          changed_(engine.runtime) {}

    /// Ends once the drain is over and all of it is written. What the sink is in the way of is in the drain's
    /// result; what `fetch` throws ends the program.
    Task<> run();

  private:
    Task<> work(Latch& latch);
    Task<> work_until_end();
    Task<> claim(WorkDrain::Claim claim);
    Task<> fetch(WorkJob job);

    Engine& engine_;
    WorkDrain& drain_;
    const Fetch fetch_;
    const Write write_;
    Signal changed_;  // notified when a worker that waits may have something to do
};

/// Tells of a job that could not be fetched.
void log_failure(WorkKind kind, const WorkOutcome& failure);

}  // namespace glia
