#include "daemon/sync/work_runner.hpp"

#include <utility>

#include "daemon/base/log.hpp"

namespace glia {

void log_failure(WorkKind kind, const WorkOutcome& failure) {
    const bool detail = kind == WorkKind::detail;
    const char* text = !detail          ? "not fetched, will be tried again"
                       : failure.parked ? "details cannot be fetched, parked"
                                        : "details cannot be fetched, will be tried again";
    log::warn(detail ? LogTopic::details : LogTopic::enrich, text,
              {{"what", name_of(kind)},
               {"engagement", failure.job.engagement_id},
               {"next", std::to_string(failure.retry_in.count()) + "s"},
               {"error", failure.error}});
}

Task<> WorkRunner::run() {
    std::optional<SinkError> failure;
    {
        const Renewal renewal(instance_, [this] {
            return [instance_id = instance_.instance_id, kind = drain_.kind(),
                    held = drain_.held()](Sink& sink) {
                if (!held.empty()) sink.work_queue().renew(kind, instance_id, held, kLeaseTime);
            };
        });
        WaitGroup tasks(instance_.runtime);
        for (int i = 0; i < drain_.workers(); ++i) {
            tasks.add();
            instance_.runtime.spawn(work(tasks));
        }
        co_await tasks.wait();
        const std::shared_ptr<const Batch> rest = drain_.hand_back();
        try {
            // Releases unused claims at once. If this fails, they expire.
            if (rest) co_await write_(rest);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
    }
    if (failure) drain_.give_up(instance_.exit_status_of(*failure));
}

Task<> WorkRunner::work(WaitGroup& tasks) {
    std::optional<SinkError> failure;
    try {
        co_await work_until_end();
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) drain_.give_up(instance_.exit_status_of(*failure));
    changed_.notify();
    tasks.remove();
}

Task<> WorkRunner::work_until_end() {
    for (;;) {
        if (instance_.scope.cancelled()) drain_.stop();
        WorkDrain::Step step = drain_.next(steady_now());
        if (auto* wanted = std::get_if<WorkDrain::Claim>(&step)) {
            co_await claim(*wanted);
        } else if (auto* next = std::get_if<WorkDrain::Fetch>(&step)) {
            co_await fetch(std::move(next->job));
        } else if (auto* written = std::get_if<WorkDrain::Write>(&step)) {
            co_await write_(written->batch);
        } else if (auto* wait = std::get_if<WorkDrain::Wait>(&step)) {
            co_await changed_.wait_for(wait->at_most);
        } else {
            co_return;
        }
    }
}

Task<> WorkRunner::claim(WorkDrain::Claim wanted) {
    WorkClaim claim;
    claim.kind = drain_.kind();
    claim.instance_id = instance_.instance_id;
    claim.limit = wanted.limit;
    claim.ttl = kLeaseTime;
    const auto claim_some = [claim, ongoing = wanted.enqueue_ongoing](Sink& sink) {
        if (ongoing) sink.work_queue().enqueue_ongoing(false);
        return sink.work_queue().claim(claim);
    };
    drain_.on_claimed(co_await instance_.sink_pool.run(claim_some));
    changed_.notify();
}

Task<> WorkRunner::fetch(WorkJob job) {
    WorkResponse response = co_await fetch_(job);
    const auto failure = drain_.on_response(job, std::move(response));
    if (failure) log_failure(drain_.kind(), *failure);
    if (drain_.idle()) changed_.notify();
}

}  // namespace glia
