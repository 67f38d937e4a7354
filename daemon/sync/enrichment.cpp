#include "daemon/sync/enrichment.hpp"

#include "daemon/base/log.hpp"
#include "sinks/invariant.hpp"
#include "sinks/timestamp.hpp"

namespace glia {

EnrichmentQueue::EnrichmentQueue(Instance& instance, WorkKind kind, WorkRunner::Fetch fetch,
                                 std::function<Task<>(WorkJob)> remove_files, std::function<Task<>()> prepare)
    : instance_(instance),
      kind_(kind),
      schedule_(instance.settings.sync),
      fetch_(std::move(fetch)),
      remove_files_(std::move(remove_files)),
      prepare_(std::move(prepare)) {}

Task<> EnrichmentQueue::enqueue_missed() {
    while (!instance_.scope.cancelled()) {
        const EnricherSchedule::Step step = schedule_.next(steady_now());
        if (const auto* part = std::get_if<EnricherSchedule::EnqueueMissed>(&step)) {
            if (!co_await instance_.scope.sleep(part->delay)) co_return;
            const auto enqueue = [kind = kind_, after = part->after](Sink& sink) {
                return sink.enrichments().enqueue_missed(kind, after);
            };
            schedule_.on_enqueued(co_await instance_.sink_pool.run(enqueue));
        } else if (const auto* all = std::get_if<EnricherSchedule::RecordEnqueued>(&step)) {
            const auto record = [kind = kind_, ago = all->ago](Sink& sink) {
                sink.enrichments().record_enqueued(kind, ago);
            };
            co_await instance_.sink_pool.run(record);
            schedule_.on_recorded();
        } else {
            co_return;
        }
    }
}

Task<DrainResult> EnrichmentQueue::drain(bool with_missed) {
    WorkDrain work(kind_, instance_.instance_id, instance_.settings.sync,
                   instance_.settings.api.max_in_flight);
    const WorkRunner::Fetch fetch = [this](WorkJob job) { return try_fetch(std::move(job)); };
    const WorkRunner::Write write_all = [this, &work](std::shared_ptr<const Batch> batch) {
        return write(work, std::move(batch));
    };
    WorkRunner runner(instance_, work, fetch, write_all);
    std::optional<SinkError> failure;
    try {
        if (with_missed) co_await enqueue_missed();
        if (prepare_) co_await prepare_();
        co_await runner.run();
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) work.give_up(instance_.exit_status_of(*failure));
    pause_ = schedule_.on_drained(work.result().outcome, instance_.runtime.random());
    co_return work.result();
}

/// Converts an exception of a fetch into a failure of this enricher, which then pauses. Other work continues.
/// Rethrows SinkError and InvariantBroken.
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
    co_return Blocked{{ExitReason::unavailable, std::string(name_of(kind_)) + "s: " + failure}};
}

Task<> EnrichmentQueue::write(WorkDrain& drain, std::shared_ptr<const Batch> batch) {
    for (const WorkOutcome& outcome : batch->details)
        co_await write_one(drain, std::shared_ptr<const WorkOutcome>(batch, &outcome));
}

Task<> EnrichmentQueue::write_one(WorkDrain& drain, std::shared_ptr<const WorkOutcome> outcome) {
    std::optional<WorkOutcome> failed;
    ClaimResult claim = ClaimResult::written;
    try {
        claim = co_await complete(outcome);
    } catch (const SinkError& error) {
        failed = drain.on_refused(*outcome, error);
        if (!failed) throw;
    }
    if (failed) {
        log_failure(kind_, *failed);
        outcome = std::make_shared<const WorkOutcome>(std::move(*failed));
        claim = co_await complete(outcome);
    }
    const bool undo = drain.on_completed(*outcome, claim);
    instance_.metrics.enriched(name_of(kind_), outcome->fetched_at      ? "done"
                                               : outcome->error.empty() ? "later"
                                                                        : "failed");
    if (undo && remove_files_) co_await remove_files_(outcome->job);
}

Task<ClaimResult> EnrichmentQueue::complete(std::shared_ptr<const WorkOutcome> outcome) {
    const auto write = [outcome, kind = kind_, instance_id = instance_.instance_id](Sink& sink) {
        return sink.work_queue().complete(kind, *outcome, instance_id);
    };
    co_return co_await instance_.sink_pool.run(write);
}

namespace {

/// Logs the result of a drain and stores it for `status`. A failure to store it is only logged.
Task<> record_result(Instance& instance, std::string kind, DrainResult result, Milliseconds next) {
    const bool failed = result.outcome.reason > ExitReason::stopped;
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
        co_await instance.sink_pool.run(note);
    } catch (const SinkError& failure) {
        log::debug(LogTopic::enrich, "the result of an enricher was not recorded",
                   {{"error", failure.what()}});
    }
}

/// Creates the queues of the enabled enrichers.
std::vector<std::unique_ptr<EnrichmentQueue>> queues_of(Instance& instance) {
    std::vector<std::unique_ptr<EnrichmentQueue>> queues;
    if (instance.settings.enrich.transcripts) queues.push_back(make_transcripts(instance));
    if (instance.settings.enrich.recordings) queues.push_back(make_recordings(instance));
    return queues;
}

Task<> serve_queue(Instance& instance, std::unique_ptr<EnrichmentQueue> queue, WaitGroup& tasks) {
    do {
        const DrainResult result = co_await queue->drain();
        co_await record_result(instance, name_of(queue->kind()), result, queue->pause());
    } while (co_await instance.scope.sleep(queue->pause()));
    tasks.remove();
}

Task<> serve_queue_wait(Instance& instance, WaitGroup& tasks) {
    const Milliseconds every = instance.settings.enrich.queue_wait_every;
    if (instance.settings.api.sites.size() > 1) {
        log::warn(
            LogTopic::enrich,
            "the API does not say which site the queue's wait belongs to; it is stored for the first of "
            "api.sites",
            {{"site", instance.settings.api.sites.front()}});
    }
    // Only one instance samples at a time. The others poll often enough to replace it.
    do {
        const DrainResult result = co_await sample_queue_wait(instance);
        co_await record_result(instance, "queue_wait", result, every);
    } while (co_await instance.scope.sleep(every));
    tasks.remove();
}

}  // namespace

void serve_enrichers(Instance& instance, WaitGroup& tasks) {
    if (instance.settings.enrich.queue_wait) {
        tasks.add();
        instance.runtime.spawn(serve_queue_wait(instance, tasks));
    }
    for (auto& queue : queues_of(instance)) {
        tasks.add();
        instance.runtime.spawn(serve_queue(instance, std::move(queue), tasks));
    }
}

Task<ExitStatus> enrich_once(Instance& instance) {
    ExitStatus outcome;
    if (instance.settings.enrich.queue_wait) {
        const DrainResult result = co_await sample_queue_wait(instance);
        co_await record_result(instance, "queue_wait", result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    const auto queues = queues_of(instance);
    for (const auto& queue : queues) {
        const DrainResult result = co_await queue->drain();
        co_await record_result(instance, name_of(queue->kind()), result, Milliseconds{0});
        outcome.merge(result.outcome);
    }
    co_return outcome;
}

std::unique_ptr<EnrichmentQueue> make_transcripts(Instance& instance) {
    const auto fetch = [&instance](WorkJob job) -> Task<WorkResponse> {
        const Instant asked_at = instance.api.server_now();
        const SteadyTime sent_at = std::chrono::steady_clock::now();
        co_return transcript_response(co_await instance.api.transcript(job.engagement_id), asked_at, sent_at);
    };
    return std::make_unique<EnrichmentQueue>(instance, WorkKind::transcript, fetch);
}

}  // namespace glia
