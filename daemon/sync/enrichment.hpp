// Enrichers with a queue. Each has its own claims, retries and state, and none blocks the sync (DESIGN.md §2,
// enrich).
#pragma once

#include <functional>
#include <memory>

#include "daemon/sync/enricher_schedule.hpp"
#include "daemon/sync/work_runner.hpp"

namespace glia {

/// Drains one enricher's queue. Loop's thread only.
class EnrichmentQueue {
  public:
    /// `fetch` fetches a job; an exception ends the drain. `remove_files` removes what a fetch left
    /// outside the sink if the engagement was erased meanwhile; `prepare` runs before each drain.
    EnrichmentQueue(Instance& instance, WorkKind kind, WorkRunner::Fetch fetch,
                    std::function<Task<>(WorkJob)> remove_files = nullptr,
                    std::function<Task<>()> prepare = nullptr);

    /// Fetches what is due until nothing is left or a failure ends the drain; see EnricherSchedule.
    /// `with_missed`: enqueues first what came while the enricher was off.
    Task<DrainResult> drain(bool with_missed = true);

    WorkKind kind() const { return kind_; }
    /// Pause before the next drain. Call it after drain().
    Milliseconds pause() const { return pause_; }

  private:
    Task<> enqueue_missed();
    Task<WorkResponse> try_fetch(WorkJob job);
    Task<> write(WorkDrain& drain, std::shared_ptr<const Batch> batch);
    Task<> write_one(WorkDrain& drain, std::shared_ptr<const WorkOutcome> outcome);
    Task<ClaimResult> complete(std::shared_ptr<const WorkOutcome> outcome);

    Instance& instance_;
    WorkKind kind_;
    EnricherSchedule schedule_;
    WorkRunner::Fetch fetch_;
    std::function<Task<>(WorkJob)> remove_files_;
    std::function<Task<>()> prepare_;
    Milliseconds pause_{};
};

/// Creates the queue that stores transcripts in chat_messages.
std::unique_ptr<EnrichmentQueue> make_transcripts(Instance& instance);
/// Creates the queue that stores recordings in a directory. The instance must outlive it.
std::unique_ptr<EnrichmentQueue> make_recordings(Instance& instance);

/// Runs every enabled enricher until the instance ends, in one coroutine each, which `tasks` counts.
void serve_enrichers(Instance& instance, WaitGroup& tasks);
/// Drains each enricher's queue once, for `run --once`.
Task<ExitStatus> enrich_once(Instance& instance);

/// Samples the queue's wait if it is this instance's turn.
Task<DrainResult> sample_queue_wait(Instance& instance);

}  // namespace glia
