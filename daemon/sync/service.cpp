#include "daemon/sync/service.hpp"

#include <malloc.h>

#include <algorithm>

#include "daemon/base/log.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/directory.hpp"
#include "daemon/sync/enrichment.hpp"
#include "daemon/sync/erasure.hpp"
#include "daemon/sync/pass_driver.hpp"
#include "daemon/sync/schedule.hpp"
#include "daemon/sync/site_poll.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// How often the detail queue is looked into although no page of this instance asked for details.
constexpr Milliseconds kDetailPause{5000};
constexpr Milliseconds kMaintenanceSoon{60'000};
constexpr std::chrono::hours kMaintenanceEvery{1};
// Between two turns of erasing by age: enough for everything else that waits for the database.
constexpr Milliseconds kErasurePause{1000};
// After so many pages or details the allocator holds memory that an idle service does not need; it is given
// back.
constexpr std::int64_t kManyPages = 10;
constexpr std::int64_t kManyDetails = 500;
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

void tell(const std::string& site, const char* mode, const PassResult& result) {
    const bool news = result.counts.inserted + result.counts.changed + result.counts.rejected > 0;
    const auto line = news ? log::info : log::debug;
    line(LogTopic::sync, "pass complete",
         {{"site", site},
          {"mode", mode},
          {"pages", result.pages},
          {"new", result.counts.inserted},
          {"changed", result.counts.changed},
          {"unchanged", result.counts.unchanged},
          {"rejected", result.counts.rejected}});
}

/// What is due for a leased site.
Task<> run_poll(Engine& engine, const SiteLease& lease, SitePoll& poll) {
    const Renewal renewal(engine, [&lease] {
        return [name = lease.site_id, epoch = lease.epoch](Sink& sink) {
            sink.site_leases().renew({name, epoch}, kLeaseTime);
        };
    });
    if (poll.watermark_ahead(engine.api.server_now(), engine.api.machine_now())) {
        log::warn(LogTopic::sync,
                  "the watermark was ahead of the clock and is set back; engagements of that time may be "
                  "missing: load them with `glia-sync backfill --from`",
                  {{"site", lease.site_id}, {"synced_through", to_iso8601(*lease.synced_through)}});
    }
    while (auto read =
               poll.next(engine.api.server_now(), engine.api.machine_now(), engine.runtime.random())) {
        const PassResult result = co_await run_pass(engine, std::move(read->pass), lease.site_id);
        poll.on_result(result);
        if (result.complete) tell(lease.site_id, read->mode, result);
        if (result.pages >= kManyPages) malloc_trim(0);
        if (engine.scope.ending()) break;
    }
}

Task<SiteResult> poll_site(Engine& engine, std::string name, bool force) {
    SiteResult site;
    std::optional<SinkError> failure;
    try {
        const std::string owner = engine.owner;
        const auto acquire = [name, owner, force](Sink& sink) {
            return sink.site_leases().acquire({name}, owner, kLeaseTime, force);
        };
        const SiteAcquired acquired = co_await engine.store.run(acquire);
        if (!acquired.lease) {
            // Free and due, and yet not to be had: its row is locked.
            if (acquired.owner.empty() && acquired.wait == Seconds{0}) co_await end_stuck(engine);
            site.wait = std::max<Milliseconds>(acquired.wait, Seconds{1});
            site.owner = acquired.owner;
            if (!site.owner.empty()) engine.health.ends(name, {});
            co_return site;
        }
        const SiteLease lease = *acquired.lease;
        site.leased = true;
        engine.health.begins(name);
        SitePoll poll(lease, engine.settings.sync);
        co_await run_poll(engine, lease, poll);
        site.outcome = poll.outcome();
        site.rejected = poll.rejected();
        const SiteRelease release = poll.release(engine.runtime.random());
        site.wait = release.next_poll_in;
        if (!poll.given_back()) {
            const auto give_back = [lease, release](Sink& sink) {
                sink.site_leases().release(lease.target(), release);
            };
            co_await engine.store.run(give_back);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) site.outcome.merge(engine.outcome_of(*failure));
    engine.health.ends(name, site.outcome.ending > Ending::stopped ? site.outcome.error : std::string());
    // A lease that was lost, or a sink that is away, is not asked again at once.
    if (site.outcome.ending != Ending::done) {
        site.wait = std::max<Milliseconds>(site.wait, engine.settings.sync.poll_every);
    }
    if (site.outcome.ending == Ending::stopped && !engine.scope.ending()) {
        log::warn(LogTopic::sync, "lease lost, nothing of it was written",
                  {{"site", name}, {"error", site.outcome.error}});
    }
    if (site.outcome.ending > Ending::stopped) {
        log::error(LogTopic::sync, "site failed",
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
            log::info(LogTopic::sync, "site is being read by another instance",
                      {{"site", name}, {"owner", site.owner}});
            break;
        }
        const Milliseconds pause = std::min<Milliseconds>(site.wait, Seconds{2});
        waited += pause;
        if (!co_await engine.scope.sleep(pause)) {
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
    while (co_await engine.scope.sleep(wait)) {
        const SiteResult site = co_await poll_site(engine, name, false);
        wait = site.leased ? site.wait : std::min<Milliseconds>(site.wait, kLeaseTime);
    }
    latch.remove();
}

Task<> serve_details(Engine& engine, Latch& latch) {
    Details details(engine);
    int failures = 0;
    Milliseconds wait = kDetailPause;
    engine.scope.on_end([&engine] { engine.details_wanted.notify(); });
    while (!engine.scope.ending()) {
        co_await engine.details_wanted.wait_for(wait);
        if (engine.scope.ending()) break;
        const DrainResult result = co_await details.drain(true);
        if (result.fetched > 0) {
            log::info(LogTopic::details, "details fetched",
                      {{"engagements", result.fetched}, {"failed", result.failed}});
        }
        if (result.fetched >= kManyDetails) malloc_trim(0);
        if (result.outcome.ending > Ending::stopped) {
            ++failures;
            wait = next_poll(engine.settings.sync, failures, engine.runtime.random());
            log::error(LogTopic::details, "details cannot be fetched",
                       {{"next", to_text(wait)}, {"error", result.outcome.error}});
        } else {
            failures = 0;
            wait = kDetailPause;
        }
    }
    latch.remove();
}

Task<> serve_maintenance(Engine& engine, Latch& latch) {
    // The second round comes soon: by then something is known of the server's clock that others can use.
    Milliseconds wait = kMaintenanceSoon;
    do {
        std::optional<SinkError> failure;
        try {
            co_await take_over_dead(engine);
            const auto clean = [](Sink& sink) { sink.reports().prune_runs(kRunsKept); };
            co_await engine.store.run(clean);
            co_await save_server_clock(engine);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        malloc_trim(0);  // by the second round, of what the start took
        if (failure)
            log::warn(LogTopic::service, "maintenance failed, will be tried again",
                      {{"error", failure->what()}});
        if (!co_await engine.scope.sleep(wait)) break;
        wait = kMaintenanceEvery;
    } while (!engine.scope.ending());
    latch.remove();
}

/// Apart from maintenance, which must not wait for it.
Task<> serve_erasures(Engine& engine, Latch& latch) {
    ErasureState state;
    Milliseconds wait = kMaintenanceSoon;
    for (;;) {
        const bool more = (co_await erase_what_is_due(engine, state)).more;
        if (!co_await engine.scope.sleep(more ? kErasurePause : wait)) break;
        if (!more) wait = kMaintenanceEvery;
    }
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
        if (engine.scope.ending()) {
            outcome.merge({Ending::stopped, "stopped before the detail queue was done"});
        } else {
            const auto queue = [](Sink& sink) { return sink.work_queue().enqueue_ongoing(true); };
            co_await engine.store.run(queue);
            Details details(engine);
            const DrainResult result = co_await details.drain(false);
            if (result.fetched + result.failed > 0) {
                log::info(LogTopic::details, "details fetched",
                          {{"engagements", result.fetched}, {"failed", result.failed}});
            }
            outcome.merge(result.outcome);
            ErasureState erasures;
            const ErasureTurn turn = co_await erase_what_is_due(engine, erasures);
            if (turn.failure) outcome.merge(engine.outcome_of(*turn.failure));
            if (!engine.scope.ending()) outcome.merge(co_await read_directory_once(engine));
            if (!engine.scope.ending()) outcome.merge(co_await enrich_once(engine));
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) outcome.merge(engine.outcome_of(*failure));
    co_return outcome;
}

Task<> run_service(Engine& engine) {
    log::info(LogTopic::service, "service started",
              {{"sites", static_cast<int>(engine.settings.api.sites.size())}, {"owner", engine.owner}});
    Latch latch(engine.runtime);
    latch.add();
    engine.runtime.spawn(serve_maintenance(engine, latch));
    latch.add();
    engine.runtime.spawn(serve_erasures(engine, latch));
    latch.add();
    engine.runtime.spawn(serve_details(engine, latch));
    latch.add();
    engine.runtime.spawn(serve_directory(engine, latch));
    serve_enrichers(engine, latch);
    for (const std::string& site : engine.settings.api.sites) {
        latch.add();
        engine.runtime.spawn(serve_site(engine, site, latch));
    }
    co_await latch.wait();
    log::info(LogTopic::service, "service stopped");
}

}  // namespace glia
