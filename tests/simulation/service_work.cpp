// The part of a simulated service that drains its work queues.
#include <algorithm>

#include "tests/simulation/service.hpp"

namespace simulation {
namespace {

constexpr Time kDetailPause = Seconds{40};
// Longer than the program's pause, because most polls would find an empty queue.
constexpr Time kEnrichPause = Seconds{60};
constexpr int kDetailWorkers = 3;
constexpr int kEnrichWorkers = 2;
constexpr int kInFlight = 1;
// Few, so that jobs are often claimed and released.
constexpr int kMostClaimed = 8;

}  // namespace

struct Service::Drain {
    WorkDrain drain;
    int working = 0;
    std::function<void(const DrainResult&)> over;
    bool token_refused = false;
};

struct Service::Enricher {
    WorkKind kind;
    EnricherSchedule schedule;
};

void Service::begin_queues() {
    begin_task();
    sleep(Seconds{1}, [this] { drain_details(); });
    for (const WorkKind kind : {WorkKind::transcript, WorkKind::recording}) {
        if (!(kind == WorkKind::transcript ? enrichers_.transcripts : enrichers_.recordings)) continue;
        begin_task();
        const auto enricher = std::make_shared<Enricher>(Enricher{kind, EnricherSchedule(sync)});
        sleep(Seconds{1}, [this, enricher] { enrich(enricher); });
    }
}

void Service::renew_claims() {
    for (const auto& [kind, drain] : draining_) {
        call_void([kind = kind, held = drain->drain.held(), instance_id = instance_id()](
                      Sink& sink) { sink.work_queue().renew(kind, instance_id, held, kLease); },
                  [] {}, [](const SinkError&) {});
    }
}

void Service::drain_details() {
    if (stopping()) return end_task();
    begin_drain(WorkDrain(WorkKind::detail, instance_id(), sync, kInFlight, true), kDetailWorkers,
                [this](const DrainResult&) { sleep(kDetailPause, [this] { drain_details(); }); });
}

void Service::enrich(const std::shared_ptr<Enricher>& enricher) {
    if (stopping()) return end_task();
    const WorkKind kind = enricher->kind;
    const auto go_on = [this, enricher] { enrich(enricher); };
    const auto fail = [this, enricher](const SinkError& error) {
        end_round(enricher, exit_status_of(error));
    };
    const EnricherSchedule::Step step = enricher->schedule.next(steady_now());
    if (const auto* part = std::get_if<EnricherSchedule::EnqueueMissed>(&step)) {
        call<std::optional<MissedCursor>>(
            [kind, after = part->after](Sink& sink) {
                return sink.enrichments().enqueue_missed(kind, after);
            },
            [enricher, go_on](std::optional<MissedCursor> cursor) {
                enricher->schedule.on_enqueued(std::move(cursor));
                go_on();
            },
            fail);
    } else if (const auto* all = std::get_if<EnricherSchedule::RecordEnqueued>(&step)) {
        call_void([kind, ago = all->ago](Sink& sink) { sink.enrichments().record_enqueued(kind, ago); },
                  [enricher, go_on] {
                      enricher->schedule.on_recorded();
                      go_on();
                  },
                  fail);
    } else {
        begin_drain(WorkDrain(kind, instance_id(), sync, kInFlight), kEnrichWorkers,
                    [this, enricher](const DrainResult& result) { end_round(enricher, result.outcome); });
    }
}

void Service::end_round(const std::shared_ptr<Enricher>& enricher, const ExitStatus& outcome) {
    const Time rest = enricher->schedule.on_drained(outcome, world_.random.unit());
    sleep(std::max(rest, kEnrichPause), [this, enricher] { enrich(enricher); });
}

// --------------------------------------------------------------------------------------------- a drain

void Service::begin_drain(WorkDrain what, int workers, std::function<void(const DrainResult&)> over) {
    const auto drain = std::make_shared<Drain>(Drain{std::move(what), workers, std::move(over)});
    draining_[drain->drain.kind()] = drain;
    for (int i = 0; i < workers; ++i) work(drain);
}

void Service::work(const std::shared_ptr<Drain>& drain) {
    if (stopping()) drain->drain.stop();
    const WorkDrain::Step step = drain->drain.next(steady_now());
    const auto go_on = [this, drain] { work(drain); };
    const auto fail = [this, drain](const SinkError& error) {
        drain->drain.give_up(exit_status_of(error));
        work(drain);
    };
    if (const auto* wanted = std::get_if<WorkDrain::Claim>(&step)) {
        claim(drain, *wanted, fail);
    } else if (const auto* next = std::get_if<WorkDrain::Fetch>(&step)) {
        fetch(drain, next->job);
    } else if (const auto* written = std::get_if<WorkDrain::Write>(&step)) {
        write(drain, written->batch, go_on, fail);
    } else if (const auto* wait = std::get_if<WorkDrain::Wait>(&step)) {
        later(wait->at_most, go_on);
    } else if (--drain->working == 0) {
        finish(drain);
    }
}

void Service::claim(const std::shared_ptr<Drain>& drain, const WorkDrain::Claim& wanted,
                    const Failed& failed) {
    call<std::vector<WorkJob>>(
        [kind = drain->drain.kind(), instance_id = instance_id(), wanted](Sink& sink) {
            if (wanted.enqueue_ongoing) sink.work_queue().enqueue_ongoing(false);
            return sink.work_queue().claim({kind, instance_id, std::min(wanted.limit, kMostClaimed), kLease});
        },
        [this, drain](std::vector<WorkJob> jobs) {
            drain->drain.on_claimed(std::move(jobs));
            work(drain);
        },
        failed);
}

void Service::fetch(const std::shared_ptr<Drain>& drain, const WorkJob& job) {
    const std::string& id = job.engagement_id;
    if (drain->token_refused) broken("a drain goes on although its token is refused");
    switch (drain->drain.kind()) {
        case WorkKind::detail:
            return ask<FetchedDetail>(
                [this, id](Instant asked, Instant now) { return world_.source.get(id, asked, now); },
                [this, drain, job](Result<FetchedDetail> detail) {
                    respond(drain, job, detail ? WorkResponse(std::move(detail.value())) : detail.error());
                });
        case WorkKind::transcript:
            return ask<FetchedTranscript>(
                [this, id](Instant asked, Instant now) { return world_.source.transcript(id, asked, now); },
                [this, drain, job, asked_at = server_now()](Result<FetchedTranscript> transcript) {
                    respond(drain, job, transcript_response(std::move(transcript), asked_at));
                });
        case WorkKind::recording:
            return fetch_recording(drain, job);
    }
}

void Service::fetch_recording(const std::shared_ptr<Drain>& drain, const WorkJob& job) {
    const std::pair file(job.engagement_id, job.item);
    const RecordingFile content{job.engagement_id + "/" + job.item, 1, ""};
    if (world_.files.contains(file)) {
        // In a separate callback, like every response.
        later(Time{0}, [this, drain, job, content] {
            respond(drain, job, FetchedContent{server_now(), std::nullopt, content});
        });
        return;
    }
    ask<FetchedRecording>(
        [this, url = job.item](Instant asked, Instant now) {
            return world_.source.recording(url, asked, now);
        },
        [this, drain, job, file, content](Result<FetchedRecording> where) {
            if (!where) return respond(drain, job, where.error());
            if (where.value().url.empty()) return respond(drain, job, NotReady{});
            later(world_.latency(), [this, drain, job, file, content, at = where.value().fetched_at] {
                world_.files.insert(file);
                respond(drain, job, FetchedContent{at, std::nullopt, content});
            });
        });
}

void Service::respond(const std::shared_ptr<Drain>& drain, const WorkJob& job, WorkResponse response) {
    const auto* error = std::get_if<ApiError>(&response);
    const bool refused = error && error->kind == ApiError::Kind::credentials;
    drain->token_refused = drain->token_refused || refused;
    const auto failure = drain->drain.on_response(job, std::move(response));
    if (refused && failure) broken("a refused token counts as a failure of " + job.engagement_id);
    work(drain);
}

void Service::write(const std::shared_ptr<Drain>& drain, const std::shared_ptr<const Batch>& batch,
                    const Done& done, const Failed& failed) {
    if (drain->drain.kind() == WorkKind::detail) {
        submit(batch, std::nullopt, [done](CommitCounts) { done(); }, failed);
        return;
    }
    // Writes the outcomes one after the other.
    Done next = done;
    for (auto outcome = batch->details.rbegin(); outcome != batch->details.rend(); ++outcome)
        next = [=, this, what = *outcome] { complete(drain, what, next, failed); };
    next();
}

void Service::complete(const std::shared_ptr<Drain>& drain, const WorkOutcome& outcome, const Done& done,
                       const Failed& failed) {
    call<ClaimResult>([kind = drain->drain.kind(), outcome, instance_id = instance_id()](
                          Sink& sink) { return sink.work_queue().complete(kind, outcome, instance_id); },
                      [this, drain, outcome, done](ClaimResult claim) {
                          if (drain->drain.on_completed(outcome, claim))
                              world_.files.erase({outcome.job.engagement_id, outcome.job.item});
                          done();
                      },
                      [this, drain, outcome, done, failed](const SinkError& error) {
                          const auto instead = drain->drain.on_refused(outcome, error);
                          if (instead) return complete(drain, *instead, done, failed);
                          world_.files_may_be_left = true;
                          failed(error);
                      });
}

void Service::finish(const std::shared_ptr<Drain>& drain) {
    const auto batch = drain->drain.hand_back();
    const auto over = [this, drain] {
        draining_.erase(drain->drain.kind());
        drain->over(drain->drain.result());
    };
    if (!batch) return over();
    write(drain, batch, over, [drain, over, this](const SinkError& error) {
        drain->drain.give_up(exit_status_of(error));
        over();
    });
}

}  // namespace simulation
