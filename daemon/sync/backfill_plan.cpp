#include "daemon/sync/backfill_plan.hpp"

#include <algorithm>
#include <utility>

namespace glia {

BackfillPlan::Step BackfillPlan::next(Milliseconds now) {
    if (auto due = renewal(now)) return std::move(*due);
    if (auto due = give_back()) return std::move(*due);
    if (closing() || over_) {
        if (idle() && !under_way()) return End{};
        return wait();
    }
    if (auto due = read()) return std::move(*due);
    if (auto due = claim(now)) return std::move(*due);
    if (auto due = wait_for_others(now)) return std::move(*due);
    return wait();
}

BackfillPlan::Wait BackfillPlan::wait() const {
    Wait wait;
    if (!windows_.empty() && !renewing_) wait.until = renew_at_;
    if (!closing() && !over_ && !inspecting_ && exhausted_ && retry_at_)
        wait.until = wait.until ? std::min(*wait.until, *retry_at_) : *retry_at_;
    return wait;
}

std::optional<BackfillPlan::Renew> BackfillPlan::renewal(Milliseconds now) {
    if (windows_.empty() || renewing_ || now < renew_at_) return std::nullopt;
    renew_at_ = now + limits_.renew / 2;
    Renew renew;
    for (auto& [number, window] : windows_) {
        if (now - window.renewed_at < limits_.renew) continue;
        window.renewed_at = now;
        renew.targets.push_back(window.lease.target);
    }
    if (renew.targets.empty()) return std::nullopt;
    renewing_ = true;
    return renew;
}

/// Gives back failed windows, windows of refused sites and, when the backfill ends, windows that were not
/// begun.
std::optional<BackfillPlan::Step> BackfillPlan::give_back() {
    while (!claimed_.empty()) {
        const auto window = windows_.find(claimed_.front());
        if (!closing() && !failures_.refused(window->second.lease.target.site_id)) break;
        give_back_.push_back({std::move(window->second.lease.target), ""});
        windows_.erase(window);
        claimed_.pop_front();
    }
    if (give_back_.empty()) return std::nullopt;
    GiveBack due = std::move(give_back_.front());
    give_back_.pop_front();
    ++giving_back_;
    return due;
}

std::optional<BackfillPlan::Step> BackfillPlan::read() {
    if (claimed_.empty() || reading_ == limits_.concurrency) return std::nullopt;
    const std::size_t uncommitted = windows_.size() - claimed_.size() - static_cast<std::size_t>(reading_);
    if (uncommitted >= limits_.uncommitted) return std::nullopt;
    const Number number = claimed_.front();
    claimed_.pop_front();
    LeasedWindow& window = windows_.at(number);
    window.reading = true;
    ++reading_;
    return Read{number, window.lease};
}

/// Windows are claimed ahead of need: no reader waits for a transaction between two windows.
std::optional<BackfillPlan::Step> BackfillPlan::claim(Milliseconds now) {
    const bool enough = claimed_.size() * 2 > static_cast<std::size_t>(limits_.concurrency);
    if (claiming_ || exhausted_ || enough || (ahead_failed_ && !starved())) return std::nullopt;
    return begin_claim(now);
}

BackfillPlan::Claim BackfillPlan::begin_claim(Milliseconds now) {
    const bool too_soon = claimed_at_ && now - *claimed_at_ < limits_.claim_interval;
    claim_size_ = std::max(limits_.concurrency,
                           too_soon ? std::min(2 * claim_size_, limits_.max_claim) : claim_size_ / 2);
    claimed_at_ = now;
    claiming_ = true;
    return {claim_size_, failures_.refused_sites()};
}

/// Acts after a claim that found no free window. Windows that other instances hold, or that are uncommitted
/// here, may become free again.
std::optional<BackfillPlan::Step> BackfillPlan::wait_for_others(Milliseconds now) {
    if (!exhausted_ || inspecting_ || freeing_) return std::nullopt;
    if (idle() && !inspected_) {
        inspecting_ = true;
        return Inspect{};
    }
    if (!retry_at_) {
        freeing_ = true;
        return FreeDead{};
    }
    if (now < *retry_at_) return std::nullopt;
    exhausted_ = false;
    return begin_claim(now);
}

void BackfillPlan::on_claimed(std::vector<WindowLease> leases, Milliseconds now) {
    claiming_ = false;
    ahead_failed_ = false;
    if (leases.empty()) {
        exhausted_ = true;
        inspected_ = false;
        retry_at_.reset();
        return;
    }
    claimed_again_ = false;
    if (windows_.empty()) renew_at_ = now + limits_.renew;
    for (WindowLease& lease : leases) {
        claimed_.push_back(++last_number_);
        windows_.emplace(last_number_, LeasedWindow{std::move(lease), now, false});
    }
}

void BackfillPlan::on_fetched(Number number) {
    if (std::exchange(windows_.at(number).reading, false)) --reading_;
}

void BackfillPlan::on_completed(Number number, const PassResult& pass) {
    on_fetched(number);
    const auto window = windows_.find(number);
    const std::string error = failures_.on_window(window->second.lease, pass);
    if (!pass.complete) give_back_.push_back({window->second.lease.target, error});
    windows_.erase(window);
}

void BackfillPlan::on_given_back() {
    --giving_back_;
    exhausted_ = false;  // the window can be claimed again
}

void BackfillPlan::on_inspected(const BackfillProgress& progress) {
    inspecting_ = false;
    inspected_ = true;
    const bool all_done = progress.windows_done == progress.windows_total;
    const bool others_read = progress.windows_leased > 0;
    const bool some_are_free = progress.windows_free > 0;
    over_ = all_done || (!others_read && !some_are_free);
    // A window has become free since the claim that found none. Claims again at once, but only the first time
    // since a claim found a window: a claim skips rows that are locked, so this could repeat without a pause.
    if (some_are_free && !std::exchange(claimed_again_, true)) exhausted_ = false;
}

void BackfillPlan::on_dead_freed(Milliseconds now) {
    freeing_ = false;
    retry_at_ = now + limits_.retry;
}

void BackfillPlan::on_failed(const Step& step, const ExitStatus& outcome) {
    if (std::holds_alternative<Claim>(step)) {
        claiming_ = false;
        ahead_failed_ = true;
        if (!starved()) return;  // claims again only when a reader needs a window
    }
    if (std::holds_alternative<GiveBack>(step)) --giving_back_;
    if (std::holds_alternative<Inspect>(step)) inspecting_ = false;
    if (std::holds_alternative<FreeDead>(step)) freeing_ = false;
    failures_.on_sink_failure(outcome);
}

ExitStatus conclude(ExitStatus so_far, const BackfillProgress& after, bool stopped) {
    if (after.windows_done == after.windows_total) return so_far;
    if (stopped) {
        so_far.merge({ExitReason::stopped, "stopped"});
    } else if (so_far.reason == ExitReason::done) {
        so_far = {ExitReason::unavailable, after.error.empty() ? "some windows are not done" : after.error};
    }
    return so_far;
}

}  // namespace glia
