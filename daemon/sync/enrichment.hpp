// The enrichers that work through a queue: claims, retries and state of their own, and none of them holds up
// the sync (DESIGN.md §2, enrich).
#pragma once

#include <functional>
#include <memory>

#include "daemon/sync/work_runner.hpp"

namespace glia {

/// One enricher's way through its queue. Loop's thread only.
class EnrichmentQueue {
  public:
    /// `fetch` fetches a job, and what it throws ends the round; `erased` undoes what a fetch left elsewhere,
    /// of an engagement that was erased meanwhile; `prepare` runs before each round.
    EnrichmentQueue(Engine& engine, WorkKind kind, WorkRunner::Fetch fetch,
                    std::function<Task<>(WorkJob)> erased = nullptr,
                    std::function<Task<>()> prepare = nullptr);

    /// Fetches what is due, until nothing is, or something is in the way. The first round asks for all that
    /// came while nobody did.
    Task<DrainResult> round();

    WorkKind kind() const { return kind_; }

  private:
    Task<> queue_missed();
    Task<WorkResponse> try_fetch(WorkJob job);
    Task<> write(WorkDrain& drain, std::shared_ptr<const Batch> batch);
    Task<> settle(WorkDrain& drain, std::shared_ptr<const WorkOutcome> outcome);
    Task<Settled> complete(std::shared_ptr<const WorkOutcome> outcome);

    Engine& engine_;
    WorkKind kind_;
    WorkRunner::Fetch fetch_;
    std::function<Task<>(WorkJob)> erased_;
    std::function<Task<>()> prepare_;
    bool missed_ = true;
};

/// Transcripts into chat_messages.
std::unique_ptr<EnrichmentQueue> make_transcripts(Engine& engine);
/// Recordings into a directory. The engine outlives what is returned.
std::unique_ptr<EnrichmentQueue> make_recordings(Engine& engine);

/// Every enricher that is enabled, until the engine ends; one coroutine each, counted by `latch`.
void serve_enrichers(Engine& engine, Latch& latch);
/// One round of each, for `run --once`.
Task<Outcome> enrich_once(Engine& engine);

/// Samples the queue's wait if it is this instance's turn.
Task<DrainResult> sample_queue_wait(Engine& engine);

}  // namespace glia
