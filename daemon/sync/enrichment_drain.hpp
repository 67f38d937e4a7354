// One round of an enricher: what to fetch next, when to claim more, and when to give up. Decisions only;
// EnrichmentQueue performs them.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "daemon/sync/detail_drain.hpp"
#include "sinks/enrichment.hpp"

namespace glia {

/// What one fetch led to.
struct EnrichmentFetched {
    EnrichmentOutcome outcome;
    /// Set if it does not concern this engagement: credentials, a full disk, a stop. The round ends.
    std::optional<Outcome> trouble;
    bool unanswered = false;  ///< the API did not answer; several of those in a row end the round
};

/// What an error of the API means for a job.
EnrichmentFetched failed_fetch(Enricher enricher, EnrichmentJob job, const ApiError& error);

class EnrichmentDrain {
  public:
    /// True while nothing claimed is left to fetch, and the queue may hold more.
    bool wants_claim() const { return jobs_.empty() && !exhausted_ && !given_up_; }
    void on_claimed(std::vector<EnrichmentJob> jobs);

    /// The next job to fetch; none: claim, or the round is over.
    std::optional<EnrichmentJob> take();
    /// A fetch has ended; its outcome is to be written.
    void on_fetched(const EnrichmentFetched& fetched);
    /// The outcome is written, or was not needed any more.
    void on_settled(const EnrichmentOutcome& outcome, Settled settled);

    /// Nothing more is fetched: the sink is away, or the program stops.
    void give_up(const Outcome& outcome);
    bool given_up() const { return given_up_; }
    /// At the end: what was claimed and not begun, to be settled untouched.
    std::vector<EnrichmentOutcome> hand_back(Enricher enricher);

    /// Claimed and not settled: these claims are to be renewed.
    const std::vector<EnrichmentJob>& held() const { return held_; }
    const DrainResult& result() const { return result_; }

    // Fetches in a row without an answer after which the API counts as down, rather than an engagement as
    // odd.
    static constexpr int kUnansweredUntilDown = 4;

  private:
    std::deque<EnrichmentJob> jobs_;
    std::vector<EnrichmentJob> held_;
    DrainResult result_;
    int unanswered_in_a_row_ = 0;
    bool exhausted_ = false;
    bool given_up_ = false;
};

}  // namespace glia
