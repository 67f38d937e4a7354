#include "daemon/sync/service.hpp"

#include <algorithm>

#include "daemon/ops/log.hpp"
#include "daemon/parse/timestamp.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/schedule.hpp"

namespace glia {
namespace {

// How often the detail queue is looked into although no page of this instance asked for details.
constexpr Milliseconds kDetailPause{5000};
constexpr std::chrono::hours kMaintenanceEvery{1};
constexpr Seconds kRunsKept{30 * 24 * 3600};
// A site held by an instance that just died on another machine is free by then.
constexpr Seconds kPatience{kLeaseTime.count() + 15};

struct SiteResult {
    Outcome outcome;
    bool leased = false;
    Milliseconds wait{};  ///< until the next poll, or until it is worth asking for the lease again
    std::string owner;    ///< who has it, if it was not leased
    std::int64_t rejected = 0;
};

Task<PassResult> perform_tier(Engine& engine, const SiteLease& lease, DueTier due) {
    OpenPass window;
    window.from = engine.api.server_now() - due.back;
    log::debug("revisit", {{"site", lease.site_id}, {"back", to_text(due.back)}});
    const TierTarget target{lease.site_id, lease.epoch, due.covers};
    Pass pass(target, window);
    co_return co_await perform(engine, std::move(pass), lease.site_id);
}

void tell(const std::string& site, const char* mode, const PassResult& result) {
    const bool news = result.counts.inserted + result.counts.changed + result.counts.rejected > 0;
    const auto line = news ? log::info : log::debug;
    line("pass complete", {{"site", site},
                           {"mode", mode},
                           {"pages", result.pages},
                           {"new", result.counts.inserted},
                           {"changed", result.counts.changed},
                           {"unchanged", result.counts.unchanged},
                           {"rejected", result.counts.rejected}});
}

/// What is due for a leased site.
Task<SiteResult> work_site(Engine& engine, SiteLease lease) {
    SiteResult site;
    site.leased = true;
    const SyncSettings& sync = engine.settings.sync;
    const Renewal renewal(engine, [name = lease.site_id, epoch = lease.epoch](Sink& sink) {
        sink.renew_site(name, epoch, kLeaseTime);
    });
    const SiteTarget target{lease.site_id, lease.epoch};
    Pass pass(target, incremental_pass(lease, sync));
    PassResult result = co_await perform(engine, std::move(pass), lease.site_id);
    site.outcome = result.outcome;
    site.rejected += result.counts.rejected;
    if (result.complete) {
        tell(lease.site_id, "incremental", result);
        if (const auto due = due_tier(lease.tiers, sync)) {
            result = co_await perform_tier(engine, lease, *due);
            site.outcome.merge(result.outcome);
            site.rejected += result.counts.rejected;
            if (result.complete) tell(lease.site_id, "revisit", result);
        }
    }
    co_return site;
}

Task<SiteResult> poll_site(Engine& engine, std::string name, bool force) {
    SiteResult site;
    std::optional<SinkError> failure;
    try {
        const std::string owner = engine.owner;
        const auto acquire = [name, owner, force](Sink& sink) {
            return sink.acquire_site(name, owner, kLeaseTime, force);
        };
        const SiteAcquired acquired = co_await engine.store.run(acquire);
        if (!acquired.lease) {
            site.wait = std::max<Milliseconds>(acquired.wait, Seconds{1});
            site.owner = acquired.owner;
            co_return site;
        }
        const SiteLease lease = *acquired.lease;
        site = co_await work_site(engine, lease);
        const bool failed = site.outcome.ending > Ending::stopped;
        site.wait = next_poll(engine.settings.sync, failed ? lease.failures + 1 : 0, engine.runtime.random());
        SiteRelease release;
        release.next_poll_in = site.outcome.ending == Ending::stopped ? Milliseconds{0} : site.wait;
        if (failed) release.error = site.outcome.error;
        const auto give_back = [lease, release](Sink& sink) {
            sink.release_site(lease.site_id, lease.epoch, release);
        };
        co_await engine.store.run(give_back);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        site.outcome.merge(
            {engine.runtime.stopping() ? Ending::stopped : ending_of(*failure), failure->what()});
        site.wait = std::max<Milliseconds>(site.wait, engine.settings.sync.poll_every);
    }
    if (site.outcome.ending > Ending::stopped) {
        log::error("site failed",
                   {{"site", name}, {"next", to_text(site.wait)}, {"error", site.outcome.error}});
    }
    co_return site;
}

Task<> once(Engine& engine, std::string name, Outcome& outcome, std::int64_t& rejected, Latch& latch) {
    Milliseconds waited{0};
    for (;;) {
        const SiteResult site = co_await poll_site(engine, name, true);
        outcome.merge(site.outcome);
        rejected += site.rejected;
        if (site.leased || site.outcome.ending != Ending::done) break;
        if (waited >= kPatience) {
            log::info("site is being read by another instance", {{"site", name}, {"owner", site.owner}});
            break;
        }
        const Milliseconds pause = std::min<Milliseconds>(site.wait, Seconds{2});
        waited += pause;
        if (!co_await engine.runtime.sleep(pause)) {
            outcome.merge({Ending::stopped, "stopped while waiting for site " + name});
            break;
        }
    }
    latch.remove();
}

Task<> serve_site(Engine& engine, std::string name, Latch& latch) {
    // Sites start spread over a poll interval, or at most five seconds, not all in one moment.
    const auto spread = std::min<Milliseconds>(engine.settings.sync.poll_every, Seconds{5});
    Milliseconds wait{
        static_cast<std::int64_t>(static_cast<double>(spread.count()) * engine.runtime.random() * 0.2)};
    while (co_await engine.runtime.sleep(wait)) {
        const SiteResult site = co_await poll_site(engine, name, false);
        wait = site.leased ? site.wait : std::min<Milliseconds>(site.wait, kLeaseTime);
    }
    latch.remove();
}

Task<> serve_details(Engine& engine, Latch& latch) {
    Details details(engine);
    int failures = 0;
    Milliseconds wait = kDetailPause;
    engine.runtime.on_stop([&engine] { engine.details_wanted.notify(); });
    while (!engine.runtime.stopping()) {
        co_await engine.details_wanted.wait_for(wait);
        if (engine.runtime.stopping()) break;
        DrainResult result;
        std::optional<SinkError> failure;
        try {
            const auto queue = [](Sink& sink) { return sink.queue_ongoing(false); };
            co_await engine.store.run(queue);
            result = co_await details.drain();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) result.outcome.merge({ending_of(*failure), failure->what()});
        if (result.fetched > 0)
            log::info("details fetched", {{"engagements", result.fetched}, {"failed", result.failed}});
        if (result.outcome.ending > Ending::stopped) {
            ++failures;
            wait = next_poll(engine.settings.sync, failures, engine.runtime.random());
            log::error("details cannot be fetched",
                       {{"next", to_text(wait)}, {"error", result.outcome.error}});
        } else {
            failures = 0;
            wait = kDetailPause;
        }
    }
    latch.remove();
}

Task<> serve_maintenance(Engine& engine, Latch& latch) {
    do {
        std::optional<SinkError> failure;
        try {
            co_await take_over_dead(engine);
            const auto clean = [](Sink& sink) { sink.prune(kRunsKept); };
            co_await engine.store.run(clean);
            co_await save_server_clock(engine);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) log::warn("maintenance failed, will be tried again", {{"error", failure->what()}});
    } while (co_await engine.runtime.sleep(kMaintenanceEvery));
    latch.remove();
}

}  // namespace

Task<Outcome> run_once(Engine& engine, std::int64_t& rejected) {
    Outcome outcome;
    std::optional<SinkError> failure;
    try {
        co_await take_over_dead(engine);
        Latch latch(engine.runtime);
        for (const std::string& site : engine.settings.api.sites) {
            latch.add();
            engine.runtime.spawn(once(engine, site, outcome, rejected, latch));
        }
        co_await latch.wait();
        if (engine.runtime.stopping()) {
            outcome.merge({Ending::stopped, "stopped before the detail queue was done"});
        } else {
            const auto queue = [](Sink& sink) { return sink.queue_ongoing(true); };
            co_await engine.store.run(queue);
            Details details(engine);
            const DrainResult result = co_await details.drain();
            if (result.fetched + result.failed > 0) {
                log::info("details fetched", {{"engagements", result.fetched}, {"failed", result.failed}});
            }
            outcome.merge(result.outcome);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) outcome.merge({ending_of(*failure), failure->what()});
    co_return outcome;
}

Task<Outcome> run_service(Engine& engine) {
    log::info("service started",
              {{"sites", static_cast<int>(engine.settings.api.sites.size())}, {"owner", engine.owner}});
    Latch latch(engine.runtime);
    latch.add();
    engine.runtime.spawn(serve_maintenance(engine, latch));
    latch.add();
    engine.runtime.spawn(serve_details(engine, latch));
    for (const std::string& site : engine.settings.api.sites) {
        latch.add();
        engine.runtime.spawn(serve_site(engine, site, latch));
    }
    co_await latch.wait();
    log::info("service stopped");
    co_return Outcome{};
}

}  // namespace glia
