#include "daemon/sync/backfill.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/sync/backfill_plan.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/pass_driver.hpp"
#include "daemon/sync/presence.hpp"
#include "daemon/sync/statistics.hpp"

namespace glia {
namespace {

// Pause between two drains of the detail queue, if the first one fetched nothing.
constexpr Milliseconds kDrainPause{250};
constexpr Milliseconds kReportEvery{5000};

class Backfill {
  public:
    Backfill(Instance& instance, BackfillRequest request, BackfillObserver observer)
        : instance_(instance),
          request_(std::move(request)),
          observer_(std::move(observer)),
          details_(instance),
          phase_ended_(instance.runtime),
          plan_(BackfillLimits{request_.concurrency}),
          event_(std::make_shared<AsyncCondition>(instance.runtime)),
          search_(std::make_shared<UnlistedSearch>(instance)) {}

    Task<BackfillResult> run() {
        std::optional<SinkError> failure;
        try {
            co_await release_leases_of_dead_instances(instance_);
            const BackfillSpec spec = request_.spec;
            const auto open = [spec](Sink& sink) { return sink.backfills().open(spec); };
            state_ = co_await instance_.sink_pool.run(open);
            if (observer_.started) observer_.started(state_);
            result_.already_complete = state_.already_complete;
            if (!state_.already_complete) co_await load();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) result_.outcome.merge(instance_.exit_status_of(*failure));
        co_return result_;
    }

  private:
    Task<> load() {
        started_ = std::chrono::steady_clock::now();
        const BackfillProgress before = co_await progress();
        update_progress(before, 0);
        result_.progress.engagements_before = result_.progress.engagements;

        WaitGroup tasks(instance_.runtime);
        details_over_ = !with_details();
        if (with_details()) {
            tasks.add();
            instance_.runtime.spawn(fetch_details(tasks));
        }
        tasks.add();
        instance_.runtime.spawn(report(tasks));
        co_await read_windows();
        search_->finish();
        listed_ = true;
        phase_ended_.notify();
        co_await tasks.wait();
        result_.outcome.merge(plan_.failures().outcome());
        result_.rejected += plan_.failures().rejected();

        const BackfillProgress after = co_await progress();
        update_progress(after, 0);
        result_.outcome = conclude(result_.outcome, after, instance_.scope.cancelled());
        if (result_.outcome.reason != ExitReason::done) co_return;
        const auto finish = [id = state_.id](Sink& sink) { sink.backfills().finish(id); };
        co_await instance_.sink_pool.run(finish);
    }

    Task<BackfillProgress> progress() {
        const std::int64_t id = state_.id;
        const auto ask = [id, refused = plan_.failures().refused_sites()](Sink& sink) {
            return sink.backfills().progress(id, refused);
        };
        co_return co_await instance_.sink_pool.run(ask);
    }

    bool of_statistics() const { return request_.spec.stream == Stream::statistics; }
    bool with_details() const { return request_.with_legs && !of_statistics(); }

    void update_progress(const BackfillProgress& now, std::int64_t waiting) {
        ProgressInput& input = result_.progress;
        if (of_statistics()) input.counted = "responses";
        input.windows_done = now.windows_done;
        input.windows_total = now.windows_total;
        input.pages = now.pages;
        input.engagements = of_statistics() ? now.pages : now.engagements;
        input.details_waiting = waiting;
        input.details_fetched = details_.fetched_in_all();
        input.elapsed = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - started_);
        input.left = time_left_.after(input);
    }

    /// Stores the estimated time left periodically, for `status`.
    Task<> report_time_left() {
        if (reported_at_ && result_.progress.elapsed - *reported_at_ < kReportEvery) co_return;
        reported_at_ = result_.progress.elapsed;
        const auto record = [id = state_.id, left = result_.progress.left](Sink& sink) {
            sink.backfills().record_time_left(id, left);
        };
        co_await instance_.sink_pool.run(record);
    }

    // ------------------------------------------------------------------------------------- windows

    /// Performs what the plan says until the listing is over.
    Task<> read_windows() {
        instance_.scope.on_cancel([event = event_] { event->notify(); });
        for (;;) {
            if (instance_.scope.cancelled()) plan_.stop();
            const BackfillPlan::Step step = plan_.next(steady_now());
            if (std::holds_alternative<BackfillPlan::End>(step)) co_return;
            if (const auto* wait = std::get_if<BackfillPlan::Wait>(&step)) {
                // A variable, because GCC 12 evaluates both sides of a condition inside a co_await
                // expression.
                Milliseconds pause = std::chrono::hours{24};
                if (wait->until) pause = *wait->until - steady_now();
                co_await event_->wait_for(pause);
            } else {
                // The plan does not end before every spawned step has ended.
                instance_.runtime.spawn(run_step(step));
            }
        }
    }

    Task<> run_step(BackfillPlan::Step step) {
        std::optional<SinkError> failure;
        try {
            if (const auto* what = std::get_if<BackfillPlan::Claim>(&step)) {
                co_await claim(*what);
            } else if (const auto* window = std::get_if<BackfillPlan::Read>(&step)) {
                co_await read(*window);
            } else if (const auto* unfinished = std::get_if<BackfillPlan::GiveBack>(&step)) {
                co_await give_back(*unfinished);
            } else if (const auto* leases = std::get_if<BackfillPlan::Renew>(&step)) {
                co_await renew(*leases);
            } else if (std::holds_alternative<BackfillPlan::Inspect>(step)) {
                plan_.on_inspected(co_await progress());
            } else {
                co_await release_leases_of_dead_instances(instance_);
                co_await end_stuck_transactions(instance_);
                plan_.on_dead_freed(steady_now());
            }
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) plan_.on_failed(step, instance_.exit_status_of(*failure));
        event_->notify();
    }

    Task<> claim(BackfillPlan::Claim what) {
        const WindowClaim wanted{state_.id, instance_.instance_id, kLeaseTime, what.except_sites, what.limit};
        const auto some = [wanted](Sink& sink) { return sink.backfills().claim_windows(wanted); };
        std::vector<WindowLease> leases = co_await instance_.sink_pool.run(some);
        plan_.on_claimed(std::move(leases), steady_now());
    }

    Task<> read(BackfillPlan::Read what) {
        if (of_statistics()) {
            const PassResult result = co_await read_statistics_window(instance_, what.lease, refusals_);
            plan_.on_fetched(what.window);
            complete(what.window, what.lease.target, result);
            co_return;
        }
        const WindowTarget& target = what.lease.target;
        const auto driver =
            std::make_shared<PassDriver>(instance_, Pass(target, what.lease.pass), target.site_id, true);
        co_await driver->read();
        plan_.on_fetched(what.window);
        const OpenPass window = what.lease.pass;
        const auto on_complete = [this, number = what.window, target, window](const PassResult& pass) {
            complete(number, target, pass);
            search_->add(target.site_id, window.from, window.to, pass);
        };
        driver->when_completed(on_complete);
    }

    void complete(BackfillPlan::Number number, const WindowTarget& target, const PassResult& pass) {
        if (!pass.complete && pass.outcome.reason != ExitReason::stopped) {
            log::error(LogTopic::backfill, "backfill window failed",
                       {{"site", target.site_id},
                        {"window", to_iso8601(target.from)},
                        {"error", pass.outcome.error}});
        }
        plan_.on_completed(number, pass);
        event_->notify();
    }

    Task<> give_back(BackfillPlan::GiveBack what) {
        const auto release = [what](Sink& sink) { sink.backfills().release_window(what.target, what.error); };
        co_await instance_.sink_pool.run(release);
        plan_.on_given_back();
    }

    Task<> renew(BackfillPlan::Renew what) {
        const auto renew_all = [what](Sink& sink) {
            for (const WindowTarget& target : what.targets) renew_one(sink, target);
        };
        try {
            co_await instance_.sink_pool.run(renew_all);
        } catch (const SinkError& error) {
            log::debug(LogTopic::backfill, "windows not renewed", {{"error", error.what()}});
        }
        plan_.on_renewed();
    }

    /// A lost lease affects its own window only: the window's next commit detects it.
    static void renew_one(Sink& sink, const WindowTarget& target) {
        try {
            sink.backfills().renew_window(target, kLeaseTime);
        } catch (const SinkError& error) {
            if (error.kind() != SinkError::Kind::lease_lost) throw;
            log::debug(LogTopic::backfill, "window not renewed", {{"error", error.what()}});
        }
    }

    // ------------------------------------------------------------------------------- legs, progress

    /// Drains the detail queue until the listing is over and nothing is due. RequestGate serves pages first.
    Task<> fetch_details(WaitGroup& tasks) {
        for (;;) {
            const bool last_round = listed_;
            const DrainResult result = co_await details_.drain(false);
            result_.rejected += result.rejected;
            if (result.outcome.reason != ExitReason::done) {
                result_.outcome.merge(result.outcome);
                break;
            }
            if (instance_.scope.cancelled() || (last_round && result.fetched + result.failed == 0)) break;
            // If the listing ended during the drain, its notification was missed: drains once more at once.
            if (result.fetched == 0 && listed_ == last_round) co_await phase_ended_.wait_for(kDrainPause);
        }
        details_over_ = true;
        phase_ended_.notify();
        tasks.remove();
    }

    Task<> report(WaitGroup& tasks) {
        Milliseconds pause = progress_pause({});
        while (!(listed_ && details_over_) && !instance_.scope.cancelled()) {
            co_await phase_ended_.wait_for(pause);
            const auto asked = std::chrono::steady_clock::now();
            std::optional<SinkError> failure;
            try {
                const BackfillProgress now = co_await progress();
                const auto count = [](Sink& sink) { return sink.work_queue().due(WorkKind::detail); };
                std::int64_t waiting = 0;
                if (with_details()) waiting = co_await instance_.sink_pool.run(count);
                pause = progress_pause(std::chrono::steady_clock::now() - asked);
                // Subtracts the details that are fetched but not committed: the table still counts them.
                update_progress(now, std::max(std::int64_t{0}, waiting - details_.unwritten()));
                if (observer_.progress) observer_.progress(result_.progress);
                co_await report_time_left();
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (failure) break;  // the code that does the work reports the failure
        }
        tasks.remove();
    }

    Instance& instance_;
    BackfillRequest request_;
    BackfillObserver observer_;
    Details details_;
    AsyncCondition phase_ended_;  // notified when the listing or the details are over
    BackfillState state_;
    BackfillResult result_;
    BackfillPlan plan_;
    std::chrono::steady_clock::time_point started_{};
    TimeLeft time_left_;
    std::optional<Milliseconds> reported_at_;
    // Notified after each event of plan_. The scope's callback shares it.
    const std::shared_ptr<AsyncCondition> event_;
    StatisticsRefusals refusals_;
    const std::shared_ptr<UnlistedSearch> search_;
    bool listed_ = false;
    bool details_over_ = false;
};

}  // namespace

Task<BackfillResult> run_backfill(Instance& instance, BackfillRequest request, BackfillObserver observer) {
    Backfill backfill(instance, std::move(request), std::move(observer));
    co_return co_await backfill.run();
}

}  // namespace glia
