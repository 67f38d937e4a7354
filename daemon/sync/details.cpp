#include "daemon/sync/details.hpp"

#include <algorithm>
#include <exception>

#include "daemon/base/log.hpp"

namespace glia {
namespace {

// One that waits to ask again holds no place among the requests in flight, but it holds its worker: so many
// engagements with trouble of their own are needed before the others have to wait for them.
constexpr int kWorkersPerRequest = 4;
constexpr int kMostWorkers = 128;
// While some wait for answers that do not come, the others look for more work and hand over what they have.
constexpr Milliseconds kLookAgain{1000};

void tell_failure(const DetailJob& job, const DetailFailure& verdict, const std::string& error) {
    log::warn(LogTopic::details,
              verdict.parked ? "details cannot be fetched, parked"
                             : "details cannot be fetched, will be tried again",
              {{"engagement", job.engagement_id},
               {"next", std::to_string(verdict.retry_in.count()) + "s"},
               {"error", error}});
}

}  // namespace

struct Details::Round {
    Round(Engine& engine, bool ongoing)
        : drain(engine.owner, engine.settings.sync), with_ongoing(ongoing), idle(engine.runtime) {}

    DetailDrain drain;
    const bool with_ongoing;
    int asking = 0;  // workers with a request under way
    Signal idle;     // notified when nobody asks any more
    Milliseconds claimed_at{};
    bool asked_again = false;  // a late response was written, and a further detail is to decide
};

Task<DrainResult> Details::drain(bool with_ongoing) {
    DrainResult all;
    for (;;) {
        Round round(engine_, with_ongoing);
        co_await drain(round);
        const DrainResult& result = round.drain.result();
        all.outcome.merge(result.outcome);
        all.fetched += result.fetched;
        all.failed += result.failed;
        // What the last commit asked for has no worker any more.
        if (!round.asked_again || all.outcome.ending != Ending::done || engine_.scope.ending()) co_return all;
    }
}

Task<> Details::drain(Round& round) {
    std::optional<SinkError> failure;
    {
        const Renewal renewal(engine_, [owner = engine_.owner, &round] {
            return [owner, held = round.drain.held()](Sink& sink) {
                sink.detail_queue().renew(owner, held, kLeaseTime);
            };
        });
        Latch latch(engine_.runtime);
        const int workers = std::min(engine_.settings.api.max_in_flight * kWorkersPerRequest, kMostWorkers);
        for (int i = 0; i < workers; ++i) {
            latch.add();
            engine_.runtime.spawn(work(round, latch));
        }
        co_await latch.wait();
        round.drain.hand_back();
        try {
            co_await flush(round);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
    }
    if (failure) round.drain.give_up(engine_.outcome_of(*failure));
}

Task<> Details::work(Round& round, Latch& latch) {
    std::optional<SinkError> failure;
    try {
        for (;;) {
            auto job = co_await take(round);
            if (job) {
                ++round.asking;
                co_await fetch(round, std::move(*job));
                if (--round.asking == 0) round.idle.notify();
                if (round.drain.wants_flush(steady_now())) co_await flush(round);
                continue;
            }
            if (round.asking == 0 || round.drain.given_up() || engine_.scope.ending()) break;
            co_await round.idle.wait_for(kLookAgain);
            if (round.drain.holds_something()) co_await flush(round);
            if (steady_now() - round.claimed_at >= kLookAgain) round.drain.look_again();
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) round.drain.give_up(engine_.outcome_of(*failure));
    latch.remove();
}

Task<std::optional<DetailJob>> Details::take(Round& round) {
    co_await claiming_.lock();
    std::optional<DetailJob> job;
    std::optional<SinkError> failure;
    try {
        if (round.drain.wants_claim() && !engine_.scope.ending()) {
            DetailClaim claim;
            claim.owner = engine_.owner;
            claim.limit = round.drain.claim_size(steady_now());
            claim.ttl = kLeaseTime;
            // Once a second at most, so that a long queue is not slowed down by a table that has nothing due.
            const bool ongoing = round.with_ongoing && steady_now() - round.claimed_at >= kLookAgain;
            round.claimed_at = steady_now();
            const auto claim_some = [claim, ongoing](Sink& sink) {
                if (ongoing) sink.detail_queue().enqueue_ongoing(false);
                return sink.detail_queue().claim(claim);
            };
            round.drain.on_claimed(co_await engine_.store.run(claim_some));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (!failure && !engine_.scope.ending()) job = round.drain.take();
    claiming_.unlock();
    if (failure) throw SinkError(*failure);
    co_return job;
}

Task<> Details::fetch(Round& round, DetailJob job) {
    auto fetched = co_await engine_.api.get(job.engagement_id);
    if (!fetched) {
        const ApiError error = fetched.error();
        if (const auto verdict = round.drain.on_error(job, error)) tell_failure(job, *verdict, error.message);
        co_return;
    }
    FetchedDetail& detail = fetched.value();
    const std::string reason = detail.detail.rejected ? detail.detail.rejected->reason : std::string();
    if (const auto verdict = round.drain.on_detail(job, std::move(detail))) {
        tell_failure(job, *verdict, "the record is rejected: " + reason);
    } else {
        ++fetched_in_all_;
        ++unwritten_;
    }
}

Task<> Details::flush(Round& round) {
    const std::shared_ptr<const Batch> batch = round.drain.flush();
    if (!batch) co_return;
    // Written or not, it is no longer waited for. No guard: this object belongs to another coroutine, which
    // may be destroyed first.
    std::exception_ptr failure;
    try {
        const CommitCounts counts = co_await engine_.committer.commit(batch, std::nullopt);
        if (counts.queued > 0) round.asked_again = true;
    } catch (...) {
        failure = std::current_exception();
    }
    unwritten_ -= std::count_if(batch->details.begin(), batch->details.end(),
                                [](const auto& detail) { return detail.fetched_at.has_value(); });
    if (failure) std::rethrow_exception(failure);
}

}  // namespace glia
