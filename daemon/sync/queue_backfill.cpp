#include "daemon/sync/queue_backfill.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/sync/details.hpp"
#include "daemon/sync/enrichment.hpp"
#include "daemon/sync/queue_backfill_plan.hpp"

namespace glia {
namespace {

// Pause while other instances hold the remaining claims. Claims of a dead instance expire after kLeaseTime.
constexpr Milliseconds kWaitForOthers{1000};

std::vector<std::string> ids_of(const StoredPage& page) {
    std::vector<std::string> ids;
    for (const StoredListing& listing : page.listings) {
        if (!listing.sites.empty()) ids.push_back(listing.engagement_id);
    }
    return ids;
}

class QueueBackfill {
  public:
    QueueBackfill(Instance& instance, QueueBackfillRequest request, QueueBackfillObserver observer)
        : instance_(instance),
          request_(std::move(request)),
          observer_(std::move(observer)),
          details_(instance),
          drains_ended_(instance.runtime) {
        if (request_.kind == WorkKind::transcript) queue_ = make_transcripts(instance);
        if (request_.kind == WorkKind::recording) queue_ = make_recordings(instance);
    }

    Task<QueueBackfillResult> run() {
        const auto started = std::chrono::steady_clock::now();
        std::optional<SinkError> failure;
        try {
            co_await work();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) result_.outcome.merge(instance_.exit_status_of(*failure));
        result_.elapsed =
            std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - started);
        co_return result_;
    }

  private:
    using PageCall =
        std::function<std::int64_t(WorkQueue&, WorkKind, const std::vector<std::string>& engagements)>;

    Task<> work() {
        co_await release_leases_of_dead_instances(instance_);
        const PageCall request = [all = request_.all](WorkQueue& queue, WorkKind kind, const auto& ids) {
            return queue.request(kind, ids, all);
        };
        result_.requested = co_await for_each_page(request);
        WaitGroup tasks(instance_.runtime);
        tasks.add();
        instance_.runtime.spawn(report(tasks));
        std::optional<SinkError> failure;
        try {
            co_await drain_all();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        is_over_ = true;
        drains_ended_.notify();
        co_await tasks.wait();
        if (failure) throw *failure;
        if (drained_.outcome.reason == ExitReason::done && !instance_.scope.cancelled()) {
            const PageCall count = [](WorkQueue& queue, WorkKind kind, const auto& ids) {
                return queue.count_unfetched(kind, ids);
            };
            result_.left = co_await for_each_page(count);
        }
        result_.fetched = drained_.fetched;
        result_.rejected = drained_.rejected;
        result_.outcome =
            conclude(drained_, result_.left, plural_of(request_.kind), instance_.scope.cancelled());
    }

    /// Runs `call` with each page of the ids of the range's engagements. Returns the sum of the results.
    Task<std::int64_t> for_each_page(PageCall call) {
        std::int64_t sum = 0;
        std::optional<StoredCursor> cursor;
        do {
            const auto read = [this, cursor](Sink& sink) {
                return sink.verifications()->stored(request_.from, request_.to, request_.sites, cursor);
            };
            StoredPage page = co_await instance_.sink_pool.run(read);
            const auto call_with_ids = [call, kind = request_.kind, ids = ids_of(page)](Sink& sink) {
                return ids.empty() ? 0 : call(sink.work_queue(), kind, ids);
            };
            sum += co_await instance_.sink_pool.run(call_with_ids);
            cursor = std::move(page.next);
        } while (cursor && !instance_.scope.cancelled());
        co_return sum;
    }

    Task<> drain_all() {
        NextStep next = NextStep::drain;
        while (next != NextStep::end && !instance_.scope.cancelled()) {
            if (next == NextStep::wait) {
                co_await instance_.scope.sleep(kWaitForOthers);
                co_await release_leases_of_dead_instances(instance_);
            }
            DrainResult drained;
            if (queue_) {
                drained = co_await queue_->drain(false);
            } else {
                drained = co_await details_.drain(false);
            }
            drained_ += drained;
            const std::int64_t due = co_await count_due();
            next = step_after(drained, due, instance_.scope.cancelled());
        }
    }

    Task<std::int64_t> count_due() {
        const auto count = [kind = request_.kind](Sink& sink) { return sink.work_queue().due(kind); };
        co_return co_await instance_.sink_pool.run(count);
    }

    /// Reports the progress until the drains are over. The drains report failures of the sink.
    Task<> report(WaitGroup& tasks) {
        const auto started = std::chrono::steady_clock::now();
        ProgressInput input;
        input.counted = plural_of(request_.kind);
        input.engagements = result_.requested;
        TimeLeft time_left;
        Milliseconds pause = progress_pause({});
        try {
            while (co_await running_after(pause)) {
                const auto asked = std::chrono::steady_clock::now();
                input.details_waiting = co_await count_due();
                const auto now = std::chrono::steady_clock::now();
                pause = progress_pause(now - asked);
                input.engagements = std::max(input.engagements, input.details_waiting);
                input.details_fetched = input.engagements - input.details_waiting;
                input.elapsed = std::chrono::duration_cast<Milliseconds>(now - started);
                input.left = time_left.after(input);
                observer_(input);
            }
        } catch (const SinkError&) {
        }
        tasks.remove();
    }

    Task<bool> running_after(Milliseconds pause) {
        if (!is_over_) co_await drains_ended_.wait_for(pause);
        co_return !is_over_ && !instance_.scope.cancelled();
    }

    Instance& instance_;
    const QueueBackfillRequest request_;
    const QueueBackfillObserver observer_;
    Details details_;
    std::unique_ptr<EnrichmentQueue> queue_;  // null: details
    AsyncCondition drains_ended_;
    bool is_over_ = false;
    DrainResult drained_;
    QueueBackfillResult result_;
};

}  // namespace

const char* plural_of(WorkKind kind) {
    switch (kind) {
        case WorkKind::detail:
            return "legs";
        case WorkKind::transcript:
            return "transcripts";
        case WorkKind::recording:
            return "recordings";
    }
    return "";
}

Task<QueueBackfillResult> run_queue_backfill(Instance& instance, QueueBackfillRequest request,
                                             QueueBackfillObserver observer) {
    QueueBackfill backfill(instance, std::move(request), std::move(observer));
    co_return co_await backfill.run();
}

}  // namespace glia
