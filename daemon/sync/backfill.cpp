#include "daemon/sync/backfill.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/sync/backfill_plan.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/pass_driver.hpp"

namespace glia {
namespace {

constexpr Milliseconds kPause{250};
constexpr Milliseconds kProgressEvery{1000};
// To count a long queue takes the database a while: so many times as long as that, nobody asks again.
constexpr int kProgressPause = 20;
constexpr Milliseconds kProgressAtLeast{10'000};
constexpr Milliseconds kTellEvery{5000};

class Backfill {
  public:
    Backfill(Engine& engine, BackfillRequest request, BackfillObserver observer)
        : engine_(engine),
          request_(std::move(request)),
          observer_(std::move(observer)),
          details_(engine),
          over_(engine.runtime),
          plan_(BackfillLimits{request_.concurrency}),
          event_(std::make_shared<Signal>(engine.runtime)) {}

    Task<BackfillResult> run() {
        std::optional<SinkError> failure;
        try {
            co_await take_over_dead(engine_);
            const BackfillSpec spec = request_.spec;
            const auto open = [spec](Sink& sink) { return sink.backfills().open(spec); };
            state_ = co_await engine_.store.run(open);
            if (observer_.started) observer_.started(state_);
            result_.already_complete = state_.already_complete;
            if (!state_.already_complete) co_await load();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) result_.outcome.merge(engine_.outcome_of(*failure));
        co_return result_;
    }

  private:
    Task<> load() {
        started_ = std::chrono::steady_clock::now();
        const BackfillProgress before = co_await progress();
        result_.facts.engagements_before = before.engagements;

        Latch latch(engine_.runtime);
        latch.add();
        engine_.runtime.spawn(fetch_details(latch));
        latch.add();
        engine_.runtime.spawn(report(latch));
        co_await read_windows();
        listed_ = true;
        over_.notify();
        co_await latch.wait();
        result_.outcome.merge(plan_.failures().outcome());
        result_.rejected = plan_.failures().rejected();

        const BackfillProgress after = co_await progress();
        take_facts(after, 0);
        result_.outcome = conclude(result_.outcome, after, engine_.scope.ending());
        if (result_.outcome.ending != Ending::done) co_return;
        const auto finish = [id = state_.id](Sink& sink) { sink.backfills().finish(id); };
        co_await engine_.store.run(finish);
    }

    Task<BackfillProgress> progress() {
        const std::int64_t id = state_.id;
        const auto ask = [id](Sink& sink) { return sink.backfills().progress(id); };
        co_return co_await engine_.store.run(ask);
    }

    void take_facts(const BackfillProgress& now, std::int64_t waiting) {
        ProgressFacts& facts = result_.facts;
        facts.windows_done = now.windows_done;
        facts.windows_total = now.windows_total;
        facts.pages = now.pages;
        facts.engagements = now.engagements;
        facts.details_waiting = waiting;
        facts.details_fetched = details_.fetched_in_all();
        facts.elapsed = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - started_);
        facts.left = time_left_.after(facts);
    }

    /// Now and then, for `status`.
    Task<> tell_time_left() {
        if (facts_told_ && result_.facts.elapsed - *facts_told_ < kTellEvery) co_return;
        facts_told_ = result_.facts.elapsed;
        const auto tell = [id = state_.id, left = result_.facts.left](Sink& sink) {
            sink.backfills().record_time_left(id, left);
        };
        co_await engine_.store.run(tell);
    }

    // ------------------------------------------------------------------------------------- windows

    /// Performs what the plan says until the listing is over.
    Task<> read_windows() {
        engine_.scope.on_end([event = event_] { event->notify(); });
        for (;;) {
            if (engine_.scope.ending()) plan_.stop();
            const BackfillPlan::Step step = plan_.next(steady_now());
            if (std::holds_alternative<BackfillPlan::End>(step)) co_return;
            if (const auto* wait = std::get_if<BackfillPlan::Wait>(&step)) {
                // Not in the co_await expression: there GCC 12 evaluates both sides of a condition.
                Milliseconds pause = std::chrono::hours{24};
                if (wait->until) pause = *wait->until - steady_now();
                co_await event_->wait_for(pause);
            } else {
                // The plan does not end before all of them have.
                engine_.runtime.spawn(perform(step));
            }
        }
    }

    Task<> perform(BackfillPlan::Step step) {
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
                co_await take_over_dead(engine_);
                co_await end_stuck(engine_);
                plan_.on_dead_freed(steady_now());
            }
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) plan_.on_failed(step, engine_.outcome_of(*failure));
        event_->notify();
    }

    Task<> claim(BackfillPlan::Claim what) {
        const WindowClaim wanted{state_.id, engine_.owner, kLeaseTime, what.except_sites, what.limit};
        const auto some = [wanted](Sink& sink) { return sink.backfills().claim_windows(wanted); };
        std::vector<WindowLease> leases = co_await engine_.store.run(some);
        plan_.on_claimed(std::move(leases), steady_now());
    }

    Task<> read(BackfillPlan::Read what) {
        const WindowTarget& target = what.lease.target;
        const auto driver =
            std::make_shared<PassDriver>(engine_, Pass(target, what.lease.pass), target.site_id);
        co_await driver->read();
        plan_.on_fetched(what.window);
        const auto settled = [this, number = what.window, target](const PassResult& pass) {
            if (!pass.complete && pass.outcome.ending != Ending::stopped) {
                log::error(LogTopic::backfill, "backfill window failed",
                           {{"site", target.site_id},
                            {"window", to_iso8601(target.from)},
                            {"error", pass.outcome.error}});
            }
            plan_.on_settled(number, pass);
            event_->notify();
        };
        driver->when_settled(settled);
    }

    Task<> give_back(BackfillPlan::GiveBack what) {
        const auto release = [what](Sink& sink) { sink.backfills().release_window(what.target, what.error); };
        co_await engine_.store.run(release);
        plan_.on_given_back();
    }

    Task<> renew(BackfillPlan::Renew what) {
        const auto renew_all = [what](Sink& sink) {
            for (const WindowTarget& target : what.targets) renew_one(sink, target);
        };
        try {
            co_await engine_.store.run(renew_all);
        } catch (const SinkError& error) {
            log::debug(LogTopic::backfill, "windows not renewed", {{"error", error.what()}});
        }
        plan_.on_renewed();
    }

    /// A lease that is lost concerns its own window: the next commit of that one finds out.
    static void renew_one(Sink& sink, const WindowTarget& target) {
        try {
            sink.backfills().renew_window(target, kLeaseTime);
        } catch (const SinkError& error) {
            if (error.kind() != SinkError::Kind::lease_lost) throw;
            log::debug(LogTopic::backfill, "window not renewed", {{"error", error.what()}});
        }
    }

    // ------------------------------------------------------------------------------- legs, progress

    /// Until the listing is through and nothing is due any more; pages go before details in the request gate.
    Task<> fetch_details(Latch& latch) {
        for (;;) {
            const bool last_round = listed_;
            const DrainResult result = co_await details_.drain(false);
            if (result.outcome.ending != Ending::done) {
                result_.outcome.merge(result.outcome);
                break;
            }
            if (engine_.scope.ending() || (last_round && result.fetched + result.failed == 0)) break;
            // The end of the listing is told by `over_`, but perhaps while the queue was being looked at.
            if (result.fetched == 0 && listed_ == last_round) co_await over_.wait_for(kPause);
        }
        details_over_ = true;
        over_.notify();
        latch.remove();
    }

    Task<> report(Latch& latch) {
        Milliseconds pause = kProgressEvery;
        while (!(listed_ && details_over_) && !engine_.scope.ending()) {
            co_await over_.wait_for(pause);
            const auto asked = std::chrono::steady_clock::now();
            std::optional<SinkError> failure;
            try {
                const BackfillProgress now = co_await progress();
                const auto count = [](Sink& sink) { return sink.work_queue().due(WorkKind::detail); };
                const std::int64_t waiting = co_await engine_.store.run(count);
                const auto took = std::chrono::steady_clock::now() - asked;
                pause = std::clamp(std::chrono::duration_cast<Milliseconds>(kProgressPause * took),
                                   kProgressEvery, kProgressAtLeast);
                // What has come waits no more, though the table still says so: it is written some at a time.
                take_facts(now, std::max(std::int64_t{0}, waiting - details_.unwritten()));
                if (observer_.progress) observer_.progress(result_.facts);
                co_await tell_time_left();
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (failure) break;  // whoever does the work tells what is wrong
        }
        latch.remove();
    }

    Engine& engine_;
    BackfillRequest request_;
    BackfillObserver observer_;
    Details details_;
    Signal over_;
    BackfillState state_;
    BackfillResult result_;
    BackfillPlan plan_;
    std::chrono::steady_clock::time_point started_{};
    TimeLeft time_left_;
    std::optional<Milliseconds> facts_told_;
    const std::shared_ptr<Signal> event_;  // of the plan; the scope has a share of it
    bool listed_ = false;
    bool details_over_ = false;
};

}  // namespace

Task<BackfillResult> run_backfill(Engine& engine, BackfillRequest request, BackfillObserver observer) {
    Backfill backfill(engine, std::move(request), std::move(observer));
    co_return co_await backfill.run();
}

}  // namespace glia
