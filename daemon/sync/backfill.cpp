#include "daemon/sync/backfill.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/window_ledger.hpp"

namespace glia {
namespace {

constexpr Milliseconds kPause{250};
constexpr Milliseconds kProgressEvery{1000};
// To count a long queue takes the database a while: so many times as long as that, nobody asks again.
constexpr int kProgressPause = 20;
constexpr Milliseconds kProgressAtLeast{10'000};
constexpr Milliseconds kTellEvery{5000};
// Windows are claimed some at a time, as many as are read within about kClaimLasts, but not more than these.
constexpr Milliseconds kClaimLasts{500};
constexpr int kClaimedAtOnce = 32;
// So many windows may wait for their last commit while others are read. How much may wait, the committer
// says.
constexpr int kWindowsWaiting = 252;

/// How many windows may be read at a time. Shared with every permit: what is destroyed with the loop goes in
/// no particular order.
struct ReadPermits {
    explicit ReadPermits(Runtime& runtime) : freed(runtime) {}
    int free = 0;
    Signal freed;
};

class Backfill {
  public:
    Backfill(Engine& engine, BackfillRequest request, BackfillObserver observer)
        : engine_(engine),
          request_(std::move(request)),
          observer_(std::move(observer)),
          details_(engine),
          over_(engine.runtime),
          permits_(std::make_shared<ReadPermits>(engine.runtime)),
          claiming_(engine.runtime),
          asking_(engine.runtime) {}

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
        Latch listing(engine_.runtime);
        listing.add();
        latch.add();
        engine_.runtime.spawn(fetch_details(latch));
        latch.add();
        engine_.runtime.spawn(report(latch));
        permits_->free = request_.concurrency;
        for (int i = 0; i < request_.concurrency + kWindowsWaiting; ++i) {
            listing.add();
            engine_.runtime.spawn(read_windows(listing));
        }
        listing.remove();
        co_await listing.wait();
        co_await give_back_claimed();
        listed_ = true;
        over_.notify();
        co_await latch.wait();
        result_.outcome.merge(ledger_.outcome());
        result_.rejected = ledger_.rejected();

        const BackfillProgress after = co_await progress();
        take_facts(after, 0);
        if (after.windows_done == after.windows_total) {
            const std::int64_t id = state_.id;
            if (result_.outcome.ending == Ending::done) {
                const auto finish = [id](Sink& sink) { sink.backfills().finish(id); };
                co_await engine_.store.run(finish);
            }
        } else if (engine_.scope.ending()) {
            result_.outcome.merge({Ending::stopped, "stopped"});
        } else if (result_.outcome.ending == Ending::done) {
            result_.outcome = {Ending::unavailable,
                               after.error.empty() ? "some windows are not done" : after.error};
        }
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

    Task<> read_windows(Latch& latch) {
        std::optional<SinkError> failure;
        try {
            for (;;) {
                co_await begin_reading();
                Reading reading(permits_);
                if (engine_.scope.ending() || ledger_.down()) break;
                auto window = co_await next_window(latch);
                if (window) {
                    co_await read_window(std::move(*window), reading);
                    continue;
                }
                reading.end();
                if (!co_await others_are_reading()) break;
            }
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) ledger_.on_failure(engine_.outcome_of(*failure));
        latch.remove();
    }

    /// The right to ask the API for a window's pages: `concurrency` have it at a time. Who has all pages and
    /// waits for the last commit has it no more.
    class Reading {
      public:
        explicit Reading(std::shared_ptr<ReadPermits> permits) : permits_(std::move(permits)) {}
        ~Reading() { end(); }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        void end() {
            if (std::exchange(ended_, true)) return;
            ++permits_->free;
            permits_->freed.notify_one();
        }

      private:
        std::shared_ptr<ReadPermits> permits_;
        bool ended_ = false;
    };

    Task<> begin_reading() {
        while (permits_->free == 0) co_await permits_->freed.wait();
        --permits_->free;
    }

    /// A window of ours, and the renewal of its lease, from the moment it is claimed.
    struct Held {
        WindowLease lease;
        std::unique_ptr<Renewal> renewal;
    };

    /// The next window to read. Some are claimed at once: each claim is a transaction of its own. `listing`
    /// ends after what this begins.
    Task<std::optional<Held>> next_window(Latch& listing) {
        co_await claiming_.lock();
        std::optional<SinkError> failure;
        try {
            if (claimed_.empty()) co_await claim();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        std::optional<Held> next;
        if (!claimed_.empty()) {
            next.emplace(std::move(claimed_.front()));
            claimed_.pop_front();
        }
        claiming_.unlock();
        if (failure) throw SinkError(*failure);
        if (next && !refilling_ && claimed_.size() * 2 <= static_cast<std::size_t>(request_.concurrency)) {
            refilling_ = true;
            listing.add();
            engine_.runtime.spawn(refill(listing));
        }
        co_return next;
    }

    /// Claims ahead of need: nobody waits for a transaction between two windows.
    Task<> refill(Latch& listing) {
        co_await claiming_.lock();
        try {
            if (!engine_.scope.ending()) co_await claim();
        } catch (const SinkError& error) {
            // Whoever needs a window next finds out for itself.
            log::debug(LogTopic::backfill, "no windows claimed ahead", {{"error", error.what()}});
        }
        claiming_.unlock();
        refilling_ = false;
        listing.remove();
    }

    Task<> claim() {
        const auto now = std::chrono::steady_clock::now();
        const bool too_soon = now - claimed_at_ < kClaimLasts;
        claim_size_ = std::max(request_.concurrency,
                               too_soon ? std::min(2 * claim_size_, kClaimedAtOnce) : claim_size_ / 2);
        claimed_at_ = now;
        const WindowClaim wanted{state_.id, engine_.owner, kLeaseTime, ledger_.refused_sites(), claim_size_};
        const auto some = [wanted](Sink& sink) { return sink.backfills().claim_windows(wanted); };
        std::vector<WindowLease> leases = co_await engine_.store.run(some);
        for (WindowLease& lease : leases) {
            ++held_here_;
            const auto renewal = [target = lease.target] {
                return [target](Sink& sink) { sink.backfills().renew_window(target, kLeaseTime); };
            };
            claimed_.push_back({std::move(lease), std::make_unique<Renewal>(engine_, renewal)});
        }
    }

    /// Gives a window back that is not done; `error`: why not, if it says something about the window.
    Task<> give_back(WindowTarget target, std::string error) {
        const auto release = [target, error](Sink& sink) { sink.backfills().release_window(target, error); };
        co_await engine_.store.run(release);
    }

    /// What was claimed and not begun is free for others at once.
    Task<> give_back_claimed() {
        try {
            while (!claimed_.empty()) {
                const WindowTarget target = claimed_.front().lease.target;
                claimed_.pop_front();
                --held_here_;
                co_await give_back(target, "");
            }
        } catch (const SinkError& error) {
            // Then it is free when the leases run out.
            log::debug(LogTopic::backfill, "windows not given back", {{"error", error.what()}});
        }
    }

    /// Windows that another instance holds are waited for: if it dies, they fall to this one. Many come here
    /// at the end, nearly at once: one asks for all, but for those who held a window since. So whoever holds
    /// the last one asks when this process holds none, and what is leased then is not ours.
    Task<bool> others_are_reading() {
        co_await asking_.lock();
        std::optional<SinkError> failure;
        try {
            const bool answered =
                asked_after_ == let_go_here_ && std::chrono::steady_clock::now() - asked_at_ < kPause;
            if (!answered) co_await ask_who_reads();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        asking_.unlock();
        if (failure) throw SinkError(*failure);
        if (!others_read_) co_return false;
        co_await take_over_dead(engine_);
        co_await end_stuck(engine_);
        co_return co_await engine_.scope.sleep(Milliseconds{1000});
    }

    Task<> ask_who_reads() {
        asked_after_ = let_go_here_;
        const BackfillProgress now = co_await progress();
        // What this process let go while it asked may be among the leased.
        others_read_ = now.windows_leased > held_here_ + (let_go_here_ - asked_after_);
        asked_at_ = std::chrono::steady_clock::now();
    }

    Task<> read_window(Held held, Reading& reading) {
        const WindowLease& lease = held.lease;
        const WindowTarget& target = lease.target;
        PassResult pass;
        const auto& refused = ledger_.refused_sites();
        const bool pointless = std::find(refused.begin(), refused.end(), target.site_id) != refused.end();
        if (!pointless) {
            Pass window(target, lease.pass);
            const std::function<void()> fetched = [&reading] { reading.end(); };
            pass = co_await perform(engine_, std::move(window), target.site_id, fetched);
        }
        held.renewal.reset();
        --held_here_;
        ++let_go_here_;
        if (pointless) {
            co_await give_back(target, "");
            co_return;
        }
        const std::string error = ledger_.on_window(lease, pass);
        if (pass.complete) co_return;
        if (pass.outcome.ending != Ending::stopped) {
            log::error(LogTopic::backfill, "backfill window failed",
                       {{"site", target.site_id},
                        {"window", to_iso8601(target.from)},
                        {"error", pass.outcome.error}});
        }
        co_await give_back(target, error);
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
                const auto count = [](Sink& sink) { return sink.detail_queue().due(); };
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
    WindowLedger ledger_;
    std::chrono::steady_clock::time_point started_{};
    TimeLeft time_left_;
    std::optional<Milliseconds> facts_told_;
    const std::shared_ptr<ReadPermits> permits_;
    AsyncMutex claiming_;
    AsyncMutex asking_;
    bool others_read_ = false;
    std::chrono::steady_clock::time_point asked_at_{};
    std::int64_t asked_after_ = 0;  // let_go_here_ when it was last asked
    std::deque<Held> claimed_;
    int claim_size_ = 0;
    std::chrono::steady_clock::time_point claimed_at_{};
    bool refilling_ = false;
    std::int64_t held_here_ = 0;    // windows leased by this process
    std::int64_t let_go_here_ = 0;  // those that were, and were read
    bool listed_ = false;
    bool details_over_ = false;
};

}  // namespace

Task<BackfillResult> run_backfill(Engine& engine, BackfillRequest request, BackfillObserver observer) {
    Backfill backfill(engine, std::move(request), std::move(observer));
    co_return co_await backfill.run();
}

}  // namespace glia
