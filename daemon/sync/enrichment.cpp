#include "daemon/sync/enrichment.hpp"

#include <algorithm>

#include "daemon/base/log.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/invariant.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// How often a queue is looked into.
constexpr Milliseconds kPause{5000};
// Between two parts of what was missed: enough for everything else that waits for the database.
constexpr Milliseconds kBreath{20};

}  // namespace

EnrichmentQueue::EnrichmentQueue(Engine& engine, Enricher enricher, int workers, Fetch fetch,
                                 std::function<Task<>(EnrichmentJob)> erased, std::function<Task<>()> prepare)
    : engine_(engine),
      enricher_(enricher),
      workers_(workers),
      fetch_(std::move(fetch)),
      erased_(std::move(erased)),
      prepare_(std::move(prepare)),
      claiming_(engine.runtime) {}

Task<> EnrichmentQueue::queue_missed() {
    const auto began = std::chrono::steady_clock::now();
    std::optional<MissedCursor> after;
    while (!engine_.scope.ending()) {
        const auto queue = [kind = enricher_, after](Sink& sink) {
            return sink.enrichments().enqueue_missed(kind, after);
        };
        const std::optional<MissedCursor> last = co_await engine_.store.run(queue);
        if (!last) {
            const auto ago = std::chrono::duration_cast<Seconds>(std::chrono::steady_clock::now() - began);
            const auto done = [kind = enricher_, ago](Sink& sink) {
                sink.enrichments().record_enqueued(kind, ago);
            };
            co_await engine_.store.run(done);
            co_return;
        }
        after = last;
        co_await engine_.scope.sleep(kBreath);
    }
}

Task<DrainResult> EnrichmentQueue::drain() {
    if (prepare_) co_await prepare_();
    drain_ = {};
    const Renewal renewal(engine_, [this] {
        return [owner = engine_.owner, kind = enricher_, held = drain_.held()](Sink& sink) {
            if (!held.empty()) sink.enrichments().renew(owner, kind, held, kLeaseTime);
        };
    });
    Latch latch(engine_.runtime);
    for (int i = 0; i < workers_; ++i) {
        latch.add();
        engine_.runtime.spawn(work(latch));
    }
    co_await latch.wait();
    // Claims that nobody got to are free at once for whoever comes.
    for (EnrichmentOutcome& untouched : drain_.hand_back(enricher_)) {
        try {
            co_await settle(std::move(untouched));
        } catch (const SinkError& error) {
            drain_.give_up(engine_.outcome_of(error));
            break;  // the claims end by themselves
        }
    }
    co_return drain_.result();
}

Task<> EnrichmentQueue::work(Latch& latch) {
    std::optional<SinkError> failure;
    try {
        while (!drain_.given_up() && !engine_.scope.ending()) {
            auto job = co_await take();
            if (!job) break;
            EnrichmentFetched fetched = co_await try_fetch(std::move(*job));
            drain_.on_fetched(fetched);
            co_await settle(std::move(fetched.outcome));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) drain_.give_up(engine_.outcome_of(*failure));
    latch.remove();
}

/// Whatever a fetch throws is this enricher's failure: it rests, and nothing else does.
Task<EnrichmentFetched> EnrichmentQueue::try_fetch(EnrichmentJob job) {
    EnrichmentFetched failed;
    failed.outcome.enricher = enricher_;
    failed.outcome.job = job;
    failed.outcome.attempted = false;
    try {
        co_return co_await fetch_(std::move(job));
    } catch (const SinkError&) {
        throw;
    } catch (const InvariantBroken&) {
        throw;
    } catch (const std::exception& error) {
        failed.trouble = Outcome{Ending::unavailable, std::string(name_of(enricher_)) + "s: " + error.what()};
    }
    co_return failed;
}

Task<std::optional<EnrichmentJob>> EnrichmentQueue::take() {
    co_await claiming_.lock();
    std::optional<SinkError> failure;
    try {
        if (drain_.wants_claim() && !engine_.scope.ending()) {
            EnrichmentClaim claim;
            claim.enricher = enricher_;
            claim.owner = engine_.owner;
            claim.limit = workers_ * 2;
            claim.ttl = kLeaseTime;
            const auto claim_some = [claim](Sink& sink) { return sink.enrichments().claim(claim); };
            drain_.on_claimed(co_await engine_.store.run(claim_some));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    claiming_.unlock();
    if (failure) throw SinkError(*failure);
    co_return drain_.take();
}

Task<> EnrichmentQueue::settle(EnrichmentOutcome what) {
    const auto outcome = std::make_shared<EnrichmentOutcome>(std::move(what));
    const auto write = [outcome, owner = engine_.owner](Sink& sink) {
        try {
            return sink.enrichments().complete(*outcome, owner);
        } catch (const SinkError& error) {
            // A value that the database refuses must not come up again and again.
            if (error.kind() != SinkError::Kind::internal || !outcome->fetched_at) throw;
            outcome->fetched_at.reset();
            outcome->messages.reset();
            outcome->error = std::string("it cannot be written: ") + error.what();
            outcome->retry_in = detail_failure(outcome->job.attempts, true).retry_in;
            return sink.enrichments().complete(*outcome, owner);
        }
    };
    const Settled settled = co_await engine_.store.run(write);
    drain_.on_settled(*outcome, settled);
    engine_.metrics.enriched(name_of(enricher_), outcome->fetched_at      ? "done"
                                                 : outcome->error.empty() ? "later"
                                                                          : "failed");
    if (settled == Settled::erased && outcome->fetched_at && erased_) co_await erased_(outcome->job);
    if (outcome->error.empty() || !outcome->attempted) co_return;
    log::warn(LogTopic::enrich, "not fetched, will be tried again",
              {{"what", name_of(enricher_)},
               {"engagement", outcome->job.engagement_id},
               {"next", std::to_string(outcome->retry_in.count()) + "s"},
               {"error", outcome->error}});
}

namespace {

Task<DrainResult> round(EnrichmentQueue& queue, Engine& engine, bool& missed) {
    DrainResult result;
    std::optional<SinkError> failure;
    try {
        if (missed) co_await queue.queue_missed();
        missed = false;
        result = co_await queue.drain();
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) result.outcome.merge(engine.outcome_of(*failure));
    co_return result;
}

Task<DrainResult> wait_round(Engine& engine) {
    DrainResult result;
    std::optional<SinkError> failure;
    try {
        const auto outcome = co_await sample_queue_wait(engine);
        if (outcome) result.outcome.merge(*outcome);
        if (outcome && outcome->ending == Ending::done) ++result.fetched;
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) result.outcome.merge(engine.outcome_of(*failure));
    co_return result;
}

/// How a round went, for the log and for `status`; nothing is lost if `status` does not hear of it.
Task<> tell(Engine& engine, std::string kind, DrainResult result, Milliseconds next) {
    const bool failed = result.outcome.ending > Ending::stopped;
    if (result.fetched > 0) {
        log::info(LogTopic::enrich, "fetched",
                  {{"what", kind}, {"count", result.fetched}, {"failed", result.failed}});
    }
    if (failed) {
        log::error(LogTopic::enrich, "enricher failed",
                   {{"what", kind}, {"next", to_text(next)}, {"error", result.outcome.error}});
    }
    if (result.fetched == 0 && !failed) co_return;
    const std::string error = failed ? result.outcome.error : std::string();
    const auto note = [kind, error](Sink& sink) { sink.enrichments().record_result(kind, error); };
    try {
        co_await engine.store.run(note);
    } catch (const SinkError& failure) {
        log::debug(LogTopic::enrich, "how an enricher fared was not noted", {{"error", failure.what()}});
    }
}

/// Those that are enabled.
std::vector<std::unique_ptr<EnrichmentQueue>> queues_of(Engine& engine) {
    std::vector<std::unique_ptr<EnrichmentQueue>> queues;
    if (engine.settings.enrich.transcripts) queues.push_back(make_transcripts(engine));
    if (engine.settings.enrich.recordings) queues.push_back(make_recordings(engine));
    return queues;
}

Task<> serve_queue(Engine& engine, std::unique_ptr<EnrichmentQueue> queue, Latch& latch) {
    int failures = 0;
    bool missed = true;
    Milliseconds wait{0};
    do {
        const DrainResult result = co_await round(*queue, engine, missed);
        const bool failed = result.outcome.ending > Ending::stopped;
        failures = failed ? failures + 1 : 0;
        wait = failed ? next_poll(engine.settings.sync, failures, engine.runtime.random()) : kPause;
        co_await tell(engine, name_of(queue->enricher()), result, wait);
    } while (co_await engine.scope.sleep(wait));
    latch.remove();
}

Task<> serve_queue_wait(Engine& engine, Latch& latch) {
    const Milliseconds every = engine.settings.enrich.queue_wait_every;
    if (engine.settings.api.sites.size() > 1) {
        log::warn(LogTopic::enrich,
                  "the API does not say which site the queue's wait is of; it is filed under the first of "
                  "api.sites",
                  {{"site", engine.settings.api.sites.front()}});
    }
    // Of several instances one has the turn; the others look in often enough to take over.
    do {
        const DrainResult result = co_await wait_round(engine);
        co_await tell(engine, "queue_wait", result, every);
    } while (co_await engine.scope.sleep(every));
    latch.remove();
}

}  // namespace

void serve_enrichers(Engine& engine, Latch& latch) {
    if (engine.settings.enrich.queue_wait) {
        latch.add();
        engine.runtime.spawn(serve_queue_wait(engine, latch));
    }
    for (auto& queue : queues_of(engine)) {
        latch.add();
        engine.runtime.spawn(serve_queue(engine, std::move(queue), latch));
    }
}

Task<Outcome> enrich_once(Engine& engine) {
    Outcome outcome;
    if (engine.settings.enrich.queue_wait) {
        const DrainResult result = co_await wait_round(engine);
        co_await tell(engine, "queue_wait", result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    const auto queues = queues_of(engine);
    for (const auto& queue : queues) {
        bool missed = true;
        const DrainResult result = co_await round(*queue, engine, missed);
        co_await tell(engine, name_of(queue->enricher()), result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    co_return outcome;
}

std::unique_ptr<EnrichmentQueue> make_transcripts(Engine& engine) {
    const auto fetch = [&engine](EnrichmentJob job) -> Task<EnrichmentFetched> {
        const Instant asked_at = engine.api.server_now();
        auto transcript = co_await engine.api.transcript(job.engagement_id);
        EnrichmentFetched fetched;
        fetched.outcome.enricher = Enricher::transcript;
        if (!transcript && transcript.error().kind == ApiError::Kind::not_found) {
            // There is no chat, as of a telephone call: nothing to come back for until the engagement
            // changes. What is stored stays.
            fetched.outcome.job = std::move(job);
            fetched.outcome.fetched_at = asked_at;
            co_return fetched;
        }
        if (!transcript) co_return failed_fetch(Enricher::transcript, std::move(job), transcript.error());
        fetched.outcome.job = std::move(job);
        fetched.outcome.fetched_at = transcript.value().fetched_at;
        fetched.outcome.messages = std::move(transcript.value().messages);
        co_return fetched;
    };
    return std::make_unique<EnrichmentQueue>(engine, Enricher::transcript,
                                             std::min(engine.settings.api.max_in_flight, 16), fetch);
}

}  // namespace glia
