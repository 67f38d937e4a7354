#include "daemon/sync/enrichment.hpp"

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

EnrichmentQueue::EnrichmentQueue(Engine& engine, WorkKind kind, WorkRunner::Fetch fetch,
                                 std::function<Task<>(WorkJob)> erased, std::function<Task<>()> prepare)
    : engine_(engine),
      kind_(kind),
      fetch_(std::move(fetch)),
      erased_(std::move(erased)),
      prepare_(std::move(prepare)) {}

Task<> EnrichmentQueue::queue_missed() {
    const auto began = std::chrono::steady_clock::now();
    std::optional<MissedCursor> after;
    while (!engine_.scope.ending()) {
        const auto queue = [kind = kind_, after](Sink& sink) {
            return sink.enrichments().enqueue_missed(kind, after);
        };
        const std::optional<MissedCursor> last = co_await engine_.store.run(queue);
        if (!last) {
            const auto ago = std::chrono::duration_cast<Seconds>(std::chrono::steady_clock::now() - began);
            const auto done = [kind = kind_, ago](Sink& sink) {
                sink.enrichments().record_enqueued(kind, ago);
            };
            co_await engine_.store.run(done);
            co_return;
        }
        after = last;
        co_await engine_.scope.sleep(kBreath);
    }
}

Task<DrainResult> EnrichmentQueue::round() {
    WorkDrain drain(kind_, engine_.owner, engine_.settings.sync, engine_.settings.api.max_in_flight);
    const WorkRunner::Fetch fetch = [this](WorkJob job) { return try_fetch(std::move(job)); };
    const WorkRunner::Write write_all = [this, &drain](std::shared_ptr<const Batch> batch) {
        return write(drain, std::move(batch));
    };
    WorkRunner runner(engine_, drain, fetch, write_all);
    std::optional<SinkError> failure;
    try {
        if (missed_) co_await queue_missed();
        missed_ = false;
        if (prepare_) co_await prepare_();
        co_await runner.run();
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) drain.give_up(engine_.outcome_of(*failure));
    co_return drain.result();
}

/// Whatever a fetch throws is this enricher's failure: it rests, and nothing else does.
Task<WorkResponse> EnrichmentQueue::try_fetch(WorkJob job) {
    std::string failure;
    try {
        co_return co_await fetch_(std::move(job));
    } catch (const SinkError&) {
        throw;
    } catch (const InvariantBroken&) {
        throw;
    } catch (const std::exception& error) {
        failure = error.what();
    }
    co_return Blocked{{Ending::unavailable, std::string(name_of(kind_)) + "s: " + failure}};
}

Task<> EnrichmentQueue::write(WorkDrain& drain, std::shared_ptr<const Batch> batch) {
    for (const WorkOutcome& outcome : batch->details)
        co_await settle(drain, std::shared_ptr<const WorkOutcome>(batch, &outcome));
}

Task<> EnrichmentQueue::settle(WorkDrain& drain, std::shared_ptr<const WorkOutcome> outcome) {
    std::optional<WorkOutcome> failed;
    Settled settled = Settled::written;
    try {
        settled = co_await complete(outcome);
    } catch (const SinkError& error) {
        failed = drain.on_refused(*outcome, error);
        if (!failed) throw;
    }
    if (failed) {
        log_failure(kind_, *failed);
        outcome = std::make_shared<const WorkOutcome>(std::move(*failed));
        settled = co_await complete(outcome);
    }
    drain.on_settled(*outcome, settled);
    engine_.metrics.enriched(name_of(kind_), outcome->fetched_at      ? "done"
                                             : outcome->error.empty() ? "later"
                                                                      : "failed");
    if (settled == Settled::erased && outcome->fetched_at && erased_) co_await erased_(outcome->job);
}

Task<Settled> EnrichmentQueue::complete(std::shared_ptr<const WorkOutcome> outcome) {
    const auto write = [outcome, kind = kind_, owner = engine_.owner](Sink& sink) {
        return sink.work_queue().complete(kind, *outcome, owner);
    };
    co_return co_await engine_.store.run(write);
}

namespace {

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
    Milliseconds wait{0};
    do {
        const DrainResult result = co_await queue->round();
        const bool failed = result.outcome.ending > Ending::stopped;
        failures = failed ? failures + 1 : 0;
        wait = failed ? next_poll(engine.settings.sync, failures, engine.runtime.random()) : kPause;
        co_await tell(engine, name_of(queue->kind()), result, wait);
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
        const DrainResult result = co_await sample_queue_wait(engine);
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
        const DrainResult result = co_await sample_queue_wait(engine);
        co_await tell(engine, "queue_wait", result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    const auto queues = queues_of(engine);
    for (const auto& queue : queues) {
        const DrainResult result = co_await queue->round();
        co_await tell(engine, name_of(queue->kind()), result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    co_return outcome;
}

std::unique_ptr<EnrichmentQueue> make_transcripts(Engine& engine) {
    const auto fetch = [&engine](WorkJob job) -> Task<WorkResponse> {
        const Instant asked_at = engine.api.server_now();
        auto transcript = co_await engine.api.transcript(job.engagement_id);
        // There is no chat, as of a telephone call: nothing to come back for until the engagement changes.
        // What is stored stays.
        if (!transcript && transcript.error().kind == ApiError::Kind::not_found)
            co_return FetchedContent{asked_at};
        if (!transcript) co_return transcript.error();
        FetchedTranscript& fetched = transcript.value();
        co_return FetchedContent{fetched.fetched_at, std::move(fetched.messages)};
    };
    return std::make_unique<EnrichmentQueue>(engine, WorkKind::transcript, fetch);
}

}  // namespace glia
