// The enrichers that work through a queue: claims, retries and state of their own, and none of them holds up
// the sync (DESIGN.md §2, enrich).
#pragma once

#include <functional>
#include <vector>

#include "daemon/sync/engine.hpp"
#include "daemon/sync/enrichment_drain.hpp"
#include "sinks/enrichment.hpp"

namespace glia {

/// One enricher's way through its queue. Loop's thread only.
class EnrichmentQueue {
  public:
    using Fetch = std::function<Task<EnrichmentFetched>(EnrichmentJob)>;
    /// `workers`: fetches at once. `fetch` performs one, and what it throws ends the round; `erased` undoes
    /// what a fetch left elsewhere, of an engagement that was erased meanwhile; `prepare` runs before each
    /// round.
    EnrichmentQueue(Engine& engine, Enricher enricher, int workers, Fetch fetch,
                    std::function<Task<>(EnrichmentJob)> erased = nullptr,
                    std::function<Task<>()> prepare = nullptr);

    /// Asks for all that came while nobody did. Throws SinkError.
    Task<> queue_missed();
    /// Fetches what is due, until nothing is, or something is in the way. Throws SinkError.
    Task<DrainResult> drain();

    Enricher enricher() const { return enricher_; }

  private:
    Task<> work(Latch& latch);
    Task<std::optional<EnrichmentJob>> take();
    Task<EnrichmentFetched> try_fetch(EnrichmentJob job);
    Task<> settle(EnrichmentOutcome what);

    Engine& engine_;
    Enricher enricher_;
    int workers_;
    Fetch fetch_;
    std::function<Task<>(EnrichmentJob)> erased_;
    std::function<Task<>()> prepare_;
    AsyncMutex claiming_;
    EnrichmentDrain drain_;  // of the present round
};

/// Transcripts into chat_messages.
std::unique_ptr<EnrichmentQueue> make_transcripts(Engine& engine);
/// Recordings into a directory. The engine outlives what is returned.
std::unique_ptr<EnrichmentQueue> make_recordings(Engine& engine);

/// Every enricher that is enabled, until the engine ends; one coroutine each, counted by `latch`.
void serve_enrichers(Engine& engine, Latch& latch);
/// One round of each, for `run --once`.
Task<Outcome> enrich_once(Engine& engine);

/// Samples the queue's wait if it is this instance's turn. Empty: it went well, or it is not the turn.
Task<std::optional<Outcome>> sample_queue_wait(Engine& engine);

}  // namespace glia
