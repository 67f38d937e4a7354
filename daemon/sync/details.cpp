#include "daemon/sync/details.hpp"

#include <algorithm>

#include "daemon/ops/log.hpp"
#include "daemon/sync/schedule.hpp"

namespace glia {
namespace {

// One transaction for so many details.
constexpr std::size_t kBatchDetails = 100;
// A claim outlives all retries of a request in normal times; after that somebody else may fetch it too, to no
// harm.
constexpr Seconds kClaimTime{300};
// So many details in a row without an answer: it is the API that is down, not an engagement that is odd.
constexpr int kFailuresUntilDown = 4;

/// No connection, or a gateway's answer. A 500, or a body that is none, may be about one engagement.
bool says_that_api_is_down(const ApiError& error) {
    const int status = error.status;
    return status == 0 || status == 408 || status == 425 || status == 429 || (status > 500 && status < 600);
}

}  // namespace

struct Details::Drain {
    std::deque<DetailJob> jobs;
    bool exhausted = false;  // the queue gave nothing more
    bool given_up = false;
    int failures_in_a_row = 0;
    std::shared_ptr<Batch> batch = std::make_shared<Batch>();
    DrainResult result;
};

Task<DrainResult> Details::drain() {
    Drain drain;
    Latch latch(engine_.runtime);
    for (int i = 0; i < engine_.settings.api.max_in_flight; ++i) {
        latch.add();
        engine_.runtime.spawn(work(drain, latch));
    }
    co_await latch.wait();
    for (DetailJob& job : drain.jobs) {  // claimed, but not asked for
        DetailOutcome outcome;
        outcome.engagement_id = std::move(job.engagement_id);
        outcome.attempted = false;
        drain.batch->details.push_back(std::move(outcome));
    }
    drain.jobs.clear();
    std::optional<SinkError> failure;
    try {
        co_await flush(drain);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) drain.result.outcome.merge({ending_of(*failure), failure->what()});
    co_return drain.result;
}

Task<> Details::work(Drain& drain, Latch& latch) {
    std::optional<SinkError> failure;
    try {
        for (;;) {
            auto job = co_await take(drain);
            if (!job) break;
            co_await fetch(drain, std::move(*job));
            if (drain.batch->details.size() >= kBatchDetails) co_await flush(drain);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        drain.given_up = true;
        drain.result.outcome.merge(
            {engine_.runtime.stopping() ? Ending::stopped : ending_of(*failure), failure->what()});
    }
    latch.remove();
}

Task<std::optional<DetailJob>> Details::take(Drain& drain) {
    co_await claiming_.lock();
    std::optional<DetailJob> job;
    std::optional<SinkError> failure;
    try {
        if (drain.jobs.empty() && !drain.exhausted && !drain.given_up && !engine_.runtime.stopping()) {
            DetailClaim claim;
            claim.owner = engine_.owner;
            claim.limit = std::clamp(engine_.settings.api.max_in_flight * 8, 32, 256);
            claim.ttl = kClaimTime;
            const auto claim_some = [claim](Sink& sink) { return sink.claim_details(claim); };
            auto claimed = co_await engine_.store.run(claim_some);
            drain.exhausted = claimed.empty();
            drain.jobs.assign(std::make_move_iterator(claimed.begin()),
                              std::make_move_iterator(claimed.end()));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (!failure && !drain.jobs.empty() && !drain.given_up && !engine_.runtime.stopping()) {
        job = std::move(drain.jobs.front());
        drain.jobs.pop_front();
    }
    claiming_.unlock();
    if (failure) throw SinkError(*failure);
    co_return job;
}

Task<> Details::fetch(Drain& drain, DetailJob job) {
    auto fetched = co_await engine_.api.get(job.engagement_id);
    if (!fetched) {
        fail(drain, job, fetched.error());
        co_return;
    }
    drain.failures_in_a_row = 0;
    FetchedDetail& detail = fetched.value();
    if (!detail.detail.engagement) {
        // It stays in the queue: what is wrong may be put right, or may have been damage on the way.
        RejectedRecord& rejected = *detail.detail.rejected;
        const ApiError error{ApiError::Kind::refused, 200, "the record is rejected: " + rejected.reason};
        rejected.engagement_id = job.engagement_id;
        drain.batch->rejected.push_back({std::move(rejected), RecordSource::detail, ""});
        fail(drain, job, error);
        co_return;
    }
    DetailOutcome outcome;
    outcome.engagement_id = job.engagement_id;
    outcome.fetched_at = detail.fetched_at;
    drain.batch->details.push_back(outcome);
    add_to_batch(*drain.batch, std::move(*detail.detail.engagement), RecordSource::detail, detail.fetched_at,
                 "", engine_.settings.sync);
    ++drain.result.fetched;
    ++fetched_in_all_;
}

void Details::fail(Drain& drain, const DetailJob& job, const ApiError& error) {
    DetailOutcome outcome;
    outcome.engagement_id = job.engagement_id;
    outcome.error = error.message;
    switch (error.kind) {
        case ApiError::Kind::cancelled:
        case ApiError::Kind::credentials:  // says nothing about the engagement
            outcome.attempted = false;
            drain.given_up = true;
            drain.result.outcome.merge({ending_of(error), error.message});
            break;
        case ApiError::Kind::unavailable:
            if (!says_that_api_is_down(error)) break;
            drain.given_up = ++drain.failures_in_a_row >= kFailuresUntilDown;
            if (drain.given_up || error.status == 0) {
                drain.result.outcome.merge({Ending::unavailable, error.message});
            }
            break;
        default:
            break;
    }
    if (outcome.attempted) {
        const bool permanent = error.kind != ApiError::Kind::unavailable;
        const DetailFailure verdict = detail_failure(job.attempts, permanent);
        outcome.retry_in = verdict.retry_in;
        outcome.parked = verdict.parked;
        ++drain.result.failed;
        log::warn(verdict.parked ? "details cannot be fetched, parked"
                                 : "details cannot be fetched, will be tried again",
                  {{"engagement", job.engagement_id},
                   {"next", std::to_string(verdict.retry_in.count()) + "s"},
                   {"error", error.message}});
    }
    drain.batch->details.push_back(std::move(outcome));
}

Task<> Details::flush(Drain& drain) {
    if (drain.batch->empty()) co_return;
    const std::shared_ptr<const Batch> batch = std::exchange(drain.batch, std::make_shared<Batch>());
    const auto write = [batch](Sink& sink) { return sink.commit(*batch, std::nullopt); };
    co_await engine_.store.run(write);
}

}  // namespace glia
