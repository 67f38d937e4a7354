#include "daemon/sync/details.hpp"

#include <algorithm>

#include "daemon/ops/log.hpp"

namespace glia {
namespace {

// One that waits to ask again holds no place among the requests in flight, but it holds its worker: so many
// engagements with trouble of their own are needed before the others have to wait for them.
constexpr int kWorkersPerRequest = 4;
constexpr int kMostWorkers = 128;

void tell_failure(const DetailJob& job, const DetailFailure& verdict, const std::string& error) {
    log::warn(verdict.parked ? "details cannot be fetched, parked"
                             : "details cannot be fetched, will be tried again",
              {{"engagement", job.engagement_id},
               {"next", std::to_string(verdict.retry_in.count()) + "s"},
               {"error", error}});
}

}  // namespace

Task<DrainResult> Details::drain() {
    DetailDrain drain(engine_.owner, engine_.settings.sync);
    std::optional<SinkError> failure;
    {
        const std::string owner = engine_.owner;
        const Renewal renewal(engine_, [owner, &drain] {
            return [owner, held = drain.held()](Sink& sink) { sink.renew_details(owner, held, kLeaseTime); };
        });
        Latch latch(engine_.runtime);
        const int workers = std::min(engine_.settings.api.max_in_flight * kWorkersPerRequest, kMostWorkers);
        for (int i = 0; i < workers; ++i) {
            latch.add();
            engine_.runtime.spawn(work(drain, latch));
        }
        co_await latch.wait();
        drain.hand_back();
        try {
            co_await flush(drain);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
    }
    if (failure) drain.give_up(engine_.outcome_of(*failure));
    co_return drain.result();
}

Task<> Details::work(DetailDrain& drain, Latch& latch) {
    std::optional<SinkError> failure;
    try {
        for (;;) {
            auto job = co_await take(drain);
            if (!job) break;
            co_await fetch(drain, std::move(*job));
            if (drain.wants_flush()) co_await flush(drain);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) drain.give_up(engine_.outcome_of(*failure));
    latch.remove();
}

Task<std::optional<DetailJob>> Details::take(DetailDrain& drain) {
    co_await claiming_.lock();
    std::optional<DetailJob> job;
    std::optional<SinkError> failure;
    try {
        if (drain.wants_claim() && !engine_.scope.ending()) {
            DetailClaim claim;
            claim.owner = engine_.owner;
            claim.limit = std::clamp(engine_.settings.api.max_in_flight * 8, 32, 256);
            claim.ttl = kLeaseTime;
            const auto claim_some = [claim](Sink& sink) { return sink.claim_details(claim); };
            drain.on_claimed(co_await engine_.store.run(claim_some));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (!failure && !engine_.scope.ending()) job = drain.take();
    claiming_.unlock();
    if (failure) throw SinkError(*failure);
    co_return job;
}

Task<> Details::fetch(DetailDrain& drain, DetailJob job) {
    auto fetched = co_await engine_.api.get(job.engagement_id);
    if (!fetched) {
        const ApiError error = fetched.error();
        if (const auto verdict = drain.on_error(job, error)) tell_failure(job, *verdict, error.message);
        co_return;
    }
    FetchedDetail& detail = fetched.value();
    const std::string reason = detail.detail.rejected ? detail.detail.rejected->reason : std::string();
    if (const auto verdict = drain.on_detail(job, std::move(detail))) {
        tell_failure(job, *verdict, "the record is rejected: " + reason);
    } else {
        ++fetched_in_all_;
    }
}

Task<> Details::flush(DetailDrain& drain) {
    const std::shared_ptr<const Batch> batch = drain.flush();
    if (!batch) co_return;
    const auto write = [batch](Sink& sink) { return sink.commit(*batch, std::nullopt); };
    co_await engine_.store.run(write);
}

}  // namespace glia
