#include "tests/simulation/backfiller.hpp"

namespace simulation {
namespace {

// Small, so that a history with few windows reaches the bounds.
constexpr int kConcurrency = 2;
constexpr std::size_t kMaxUncommitted = 2;
constexpr int kClaim = 4;
constexpr Time kBeforeTheNextCall = Seconds{20};

}  // namespace

void Backfiller::forget() {
    plan_.reset();
    wakes_at_.reset();
}

void Backfiller::begin_work() {
    begin_task();
    open();
}

void Backfiller::on_stop() {
    if (plan_) pump();
}

void Backfiller::open() {
    if (stopping()) return end_task();
    call<BackfillState>([spec = spec_](Sink& sink) { return sink.backfills().open(spec); },
                        [this](const BackfillState& state) {
                            if (state.already_complete) {
                                complete_ = true;
                                return end_task();
                            }
                            id_ = state.id;
                            BackfillLimits limits;
                            limits.concurrency = kConcurrency;
                            limits.uncommitted = kMaxUncommitted;
                            limits.max_claim = kClaim;
                            plan_.emplace(limits);
                            reads_.clear();
                            refused_sites_.clear();
                            failures_in_a_row_ = 0;
                            api_was_down_ = false;
                            sink_failed_ = false;
                            inspected_.clear();
                            at_claim_.clear();
                            pump();
                        },
                        [this](const SinkError&) { call_again(); });
}

void Backfiller::call_again() {
    plan_.reset();
    sleep(kBeforeTheNextCall, [this] { open(); });
}

void Backfiller::pump() {
    if (!plan_) return;
    for (;;) {
        if (stopping()) plan_->stop();
        const Plan::Step step = plan_->next(steady_now());
        if (std::holds_alternative<Plan::End>(step)) return end();
        if (const auto* wait = std::get_if<Plan::Wait>(&step)) {
            if (wait->until) wake_at(*wait->until);
            return;
        }
        run_step(step);
    }
}

/// Notifies the plan of an event.
void Backfiller::notify(const std::function<void(Plan&)>& event) {
    if (!plan_) return broken("the listing ended although something is under way");
    event(*plan_);
    pump();
}

void Backfiller::wake_at(Milliseconds when) {
    if (wakes_at_ && *wakes_at_ <= when) return;
    wakes_at_ = when;
    later(when - steady_now(), [this, when] {
        if (wakes_at_ == when) wakes_at_.reset();
        pump();
    });
}

void Backfiller::run_step(const Plan::Step& step) {
    const Failed failed = [this, step](const SinkError& error) {
        sink_failed_ = true;
        notify([&](Plan& plan) { plan.on_failed(step, exit_status_of(error)); });
    };
    if (const auto* wanted = std::get_if<Plan::Claim>(&step)) {
        claim(*wanted, failed);
    } else if (const auto* window = std::get_if<Plan::Read>(&step)) {
        // Scheduled, not called within pump(): a pass that is stopped ends at once, which would re-enter the
        // plan.
        later(Time{0}, [this, what = *window] { read(what); });
    } else if (const auto* what = std::get_if<Plan::GiveBack>(&step)) {
        call_void([what = *what](Sink& sink) { sink.backfills().release_window(what.target, what.error); },
                  [this] { notify([](Plan& plan) { plan.on_given_back(); }); }, failed);
    } else if (const auto* leases = std::get_if<Plan::Renew>(&step)) {
        renew(*leases);
    } else if (std::holds_alternative<Plan::Inspect>(step)) {
        // Keeps the windows as this transaction saw them: a transaction of a crashed life must not overwrite
        // them.
        const auto seen = std::make_shared<std::vector<ModelDatabase::Window>>();
        call<BackfillProgress>(
            [this, seen, id = id_, refused = plan_->failures().refused_sites()](Sink& sink) {
                *seen = world_.database.windows;
                return sink.backfills().progress(id, refused);
            },
            [this, seen](const BackfillProgress& progress) {
                inspected_ = *seen;
                notify([&](Plan& plan) { plan.on_inspected(progress); });
            },
            failed);
    } else {
        call<std::int64_t>(
            [](Sink& sink) { return sink.instances().end_stuck_transactions(Seconds{5}); },
            [this](std::int64_t) { notify([&](Plan& plan) { plan.on_dead_freed(steady_now()); }); }, failed);
    }
}

void Backfiller::claim(const Plan::Claim& what, const Failed& failed) {
    if (what.limit > std::max(kClaim, kConcurrency)) broken("it claims too many windows");
    const WindowClaim wanted{id_, instance_id(), kLease, what.except_sites, what.limit};
    const auto seen = std::make_shared<std::vector<ModelDatabase::Window>>();
    call<std::vector<WindowLease>>(
        [this, seen, wanted](Sink& sink) {
            *seen = world_.database.windows;
            return sink.backfills().claim_windows(wanted);
        },
        [this, seen](std::vector<WindowLease> leases) {
            at_claim_ = *seen;
            notify([&](Plan& plan) { plan.on_claimed(std::move(leases), steady_now()); });
        },
        failed);
}

void Backfiller::read(const Plan::Read& what) {
    const WindowTarget& target = what.lease.target;
    if (!reads_.insert({target.site_id, target.from, target.epoch}).second)
        broken("a window is read twice under one lease");
    const auto pass = make_pass(Pass(target, what.lease.pass), target.site_id);
    pass->run.collect_ids();
    pass->fetched = [this, number = what.window] {
        later(Time{0}, [this, number] { notify([&](Plan& plan) { plan.on_fetched(number); }); });
    };
    pass->over = [this, what, weak = std::weak_ptr(pass)] {
        const auto self = weak.lock();
        const PassResult result = self->run.result();
        later(Time{0}, [this, what, result] { on_over(what, result); });
        // Runs in the background. The command waits for it at its end.
        begin_task();
        mark_unlisted(self, what.lease.pass.from, what.lease.pass.to, [this] { end_task(); });
    };
    run_pass(pass);
}

void Backfiller::on_over(const Plan::Read& what, const PassResult& pass) {
    const ModelDatabase::Window* window = world_.database.window(what.lease.target);
    if (pass.complete) {
        failures_in_a_row_ = 0;
        if (!window->done) broken("a window counts as done that is not");
    } else if (pass.site_refused) {
        refused_sites_.insert(what.lease.target.site_id);
    } else if (pass.outcome.reason == ExitReason::credentials) {
        api_was_down_ = true;
    } else if (pass.outcome.reason != ExitReason::stopped) {
        if (++failures_in_a_row_ >= 3) api_was_down_ = true;
    }
    notify([&](Plan& plan) { plan.on_completed(what.window, pass); });
}

void Backfiller::renew(const Plan::Renew& what) {
    const auto renew_all = [what](Sink& sink) {
        for (const WindowTarget& target : what.targets) {
            try {
                sink.backfills().renew_window(target, kLease);
            } catch (const SinkError&) {
                // The next commit of that window detects the lost lease.
            }
        }
    };
    const auto over = [this] { notify([](Plan& plan) { plan.on_renewed(); }); };
    call_void(renew_all, over, [over](const SinkError&) { over(); });
}

/// The listing is over. Checks the result and ends the command.
void Backfiller::end() {
    const ExitStatus listing = plan_->failures().outcome();
    plan_.reset();
    call<BackfillProgress>([id = id_](Sink& sink) { return sink.backfills().progress(id, {}); },
                           [this, listing](const BackfillProgress& progress) {
                               const ExitStatus outcome = conclude(listing, progress, stopping());
                               check_end(outcome);
                               if (outcome.reason != ExitReason::done) return call_again();
                               call_void([id = id_](Sink& sink) { sink.backfills().finish(id); },
                                         [this] {
                                             complete_ = true;
                                             end_task();
                                         },
                                         [this](const SinkError&) { call_again(); });
                           },
                           [this](const SinkError&) { call_again(); });
}

/// Checks that the listing ends exactly when every window is done, except after an event that prevents it.
void Backfiller::check_end(const ExitStatus& outcome) {
    for (const ModelDatabase::Window& window : world_.database.windows) {
        if (window.done) continue;
        if (window.lease_owner == instance_id() && !sink_was_away())
            broken("it ends although it holds a window");
        if (outcome.reason == ExitReason::done) broken("it ends well although a window is not done");
    }
    if (stopping() || api_was_down_ || sink_failed_) return;
    const auto is_hopeless = [this](const ModelDatabase::Window& window) {
        return window.attempts >= 2 || refused_sites_.contains(window.target.site_id);
    };
    for (std::size_t i = 0; i < inspected_.size(); ++i) {
        // Another call of the command may have reset the window's attempts after the last claim.
        if (inspected_[i].done || is_hopeless(inspected_[i]) || is_hopeless(at_claim_[i])) continue;
        broken(inspected_[i].lease_owner.empty() ? "it ends although a window is free"
                                                 : "it ends although another reads a window");
    }
}

}  // namespace simulation
