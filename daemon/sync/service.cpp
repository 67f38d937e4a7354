#include "daemon/sync/service.hpp"

#include <malloc.h>

#include <algorithm>

#include "daemon/base/log.hpp"
#include "daemon/sync/details.hpp"
#include "daemon/sync/directory.hpp"
#include "daemon/sync/enrichment.hpp"
#include "daemon/sync/erasure.hpp"
#include "daemon/sync/pass_driver.hpp"
#include "daemon/sync/presence.hpp"
#include "daemon/sync/schedule.hpp"
#include "daemon/sync/site_poll.hpp"
#include "daemon/sync/statistics.hpp"
#include "daemon/sync/volume.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// How often the detail queue is read even if this instance has queued no details. Other instances may have.
constexpr Milliseconds kDetailPause{5000};
constexpr Milliseconds kMaintenanceSoon{60'000};
constexpr std::chrono::hours kMaintenanceEvery{1};
// Pause between two turns of retention, so that other calls get the database in between.
constexpr Milliseconds kErasurePause{1000};
// After this many pages or details, the service returns free memory of the allocator to the system.
constexpr std::int64_t kManyPages = 10;
constexpr std::int64_t kManyDetails = 500;
constexpr Seconds kRunsKept{30 * 24 * 3600};
constexpr Seconds kVerificationsKept{400 * 24 * 3600};
// How long `run --once` waits for a leased site. The lease of an instance that has just died on another
// machine expires within this time.
constexpr Seconds kMaxLeaseWait{kLeaseTime.count() + 15};

struct SiteResult {
    ExitStatus outcome;
    bool leased = false;
    Milliseconds wait{};      ///< until the next poll, or until the next attempt to acquire the lease
    std::string instance_id;  ///< the holder of the lease, if it was not acquired
    std::int64_t rejected = 0;
};

void log_pass(const std::string& site, const char* mode, const PassResult& result) {
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

/// Runs the passes that are due for a leased site.
Task<> run_poll(Instance& instance, const SiteLease& lease, SitePoll& poll) {
    const Renewal renewal(instance, lease.target());
    if (poll.watermark_ahead(instance.api.server_now(), instance.api.machine_now())) {
        log::warn(LogTopic::sync,
                  "the watermark was ahead of the clock and is set back; engagements of that time may be "
                  "missing: load them with `glia-sync backfill --from`",
                  {{"site", lease.site_id}, {"synced_through", to_iso8601(*lease.synced_through)}});
    }
    while (auto read =
               poll.next(instance.api.server_now(), instance.api.machine_now(), instance.runtime.random())) {
        // Only a revisit proves that an engagement is missing: an incremental pass may list by another time
        // than created_at, so an unlisted engagement may just be outside its range.
        const bool is_revisit = !read->pass.is_incremental();
        const Instant from = read->pass.position().from;
        PassResult result = co_await run_pass(instance, std::move(read->pass), lease.site_id, is_revisit);
        poll.on_result(result);
        if (result.complete) log_pass(lease.site_id, read->mode, result);
        const std::int64_t pages = result.pages;
        if (is_revisit) co_await mark_unlisted(instance, lease.site_id, from, std::move(result));
        if (pages >= kManyPages) malloc_trim(0);
        if (instance.scope.cancelled()) break;
    }
}

Task<SiteResult> poll_site(Instance& instance, std::string name, bool force) {
    SiteResult site;
    std::optional<SinkError> failure;
    try {
        const SiteKey key{name};
        SiteAcquired acquired = co_await acquire_site(instance, key, force);
        if (!acquired.lease && waits_too_long(acquired, instance.settings.sync))
            acquired = co_await acquire_site(instance, key, true);
        if (!acquired.lease) {
            // The lease is free and due but was not acquired, so another transaction locks its row.
            if (acquired.instance_id.empty() && acquired.wait == Seconds{0})
                co_await end_stuck_transactions(instance);
            site.wait = std::max<Milliseconds>(acquired.wait, Seconds{1});
            site.instance_id = acquired.instance_id;
            if (!site.instance_id.empty()) instance.health.ends(name, {});
            co_return site;
        }
        const SiteLease lease = *acquired.lease;
        site.leased = true;
        instance.health.begins(name);
        SitePoll poll(lease, instance.settings.sync);
        co_await run_poll(instance, lease, poll);
        site.outcome = poll.outcome();
        site.rejected = poll.rejected();
        const SiteRelease release = poll.release(instance.runtime.random());
        site.wait = release.next_poll_in;
        if (!poll.given_back()) {
            const auto give_back = [lease, release](Sink& sink) {
                sink.site_leases().release(lease.target(), release);
            };
            co_await instance.sink_pool.run(give_back);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) site.outcome.merge(instance.exit_status_of(*failure));
    instance.health.ends(name,
                         site.outcome.reason > ExitReason::stopped ? site.outcome.error : std::string());
    // Waits before the next attempt after a lost lease or an unavailable sink.
    if (site.outcome.reason != ExitReason::done) {
        site.wait = std::max<Milliseconds>(site.wait, instance.settings.sync.poll_every);
    }
    if (site.outcome.reason == ExitReason::stopped && !instance.scope.cancelled()) {
        log::warn(LogTopic::sync, "lease lost, nothing was written after the loss",
                  {{"site", name}, {"error", site.outcome.error}});
    }
    if (site.outcome.reason > ExitReason::stopped) {
        log::error(LogTopic::sync, "site failed",
                   {{"site", name}, {"next", to_text(site.wait)}, {"error", site.outcome.error}});
    }
    co_return site;
}

Task<> once(Instance& instance, std::string name, ExitStatus& outcome, std::int64_t& rejected,
            WaitGroup& tasks) {
    Milliseconds waited{0};
    for (;;) {
        const SiteResult site = co_await poll_site(instance, name, true);
        outcome.merge(site.outcome);
        rejected += site.rejected;
        if (site.leased || site.outcome.reason != ExitReason::done) break;
        if (waited >= kMaxLeaseWait) {
            log::info(LogTopic::sync, "site is being read by another instance",
                      {{"site", name}, {"instance_id", site.instance_id}});
            break;
        }
        const Milliseconds pause = std::min<Milliseconds>(site.wait, Seconds{2});
        waited += pause;
        if (!co_await instance.scope.sleep(pause)) {
            outcome.merge({ExitReason::stopped, "stopped while waiting for site " + name});
            break;
        }
    }
    tasks.remove();
}

Task<> serve_site(Instance& instance, std::string name, WaitGroup& tasks) {
    // Spreads the first polls of the sites over a fifth of the poll interval, at most one second.
    const auto spread = std::min<Milliseconds>(instance.settings.sync.poll_every, Seconds{5});
    Milliseconds wait{
        static_cast<std::int64_t>(static_cast<double>(spread.count()) * instance.runtime.random() * 0.2)};
    while (co_await instance.scope.sleep(wait)) {
        const SiteResult site = co_await poll_site(instance, name, false);
        wait = site.leased ? site.wait : std::min<Milliseconds>(site.wait, kLeaseTime);
    }
    tasks.remove();
}

Task<> serve_details(Instance& instance, WaitGroup& tasks) {
    Details details(instance);
    int failures = 0;
    Milliseconds wait = kDetailPause;
    instance.scope.on_cancel([&instance] { instance.details_enqueued.set(); });
    while (!instance.scope.cancelled()) {
        co_await instance.details_enqueued.wait_for(wait);
        if (instance.scope.cancelled()) break;
        const DrainResult result = co_await details.drain(true);
        if (result.fetched > 0) {
            log::info(LogTopic::details, "details fetched",
                      {{"engagements", result.fetched}, {"failed", result.failed}});
        }
        if (result.fetched >= kManyDetails) malloc_trim(0);
        if (result.outcome.reason > ExitReason::stopped) {
            instance.details_enqueued.reset();  // details queued meanwhile do not shorten the backoff
            ++failures;
            wait = next_poll(instance.settings.sync, failures, instance.runtime.random());
            log::error(LogTopic::details, "details cannot be fetched",
                       {{"next", to_text(wait)}, {"error", result.outcome.error}});
        } else {
            failures = 0;
            wait = kDetailPause;
        }
    }
    tasks.remove();
}

/// Deletes old rows of the program's own tables.
Task<> prune(Instance& instance) {
    const auto clean = [](Sink& sink) {
        sink.reports().prune_runs(kRunsKept);
        if (VerificationStore* store = sink.verifications()) store->prune(kVerificationsKept);
    };
    co_await instance.sink_pool.run(clean);
}

Task<> serve_maintenance(Instance& instance, WaitGroup& tasks) {
    // The second iteration comes soon: it saves the offset of the server's clock, which is known by then.
    Milliseconds wait = kMaintenanceSoon;
    do {
        std::optional<SinkError> failure;
        try {
            co_await release_leases_of_dead_instances(instance);
            co_await prune(instance);
            co_await save_server_clock(instance);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        malloc_trim(0);  // the second iteration returns the memory that the start needed
        if (failure)
            log::warn(LogTopic::service, "maintenance failed, will be tried again",
                      {{"error", failure->what()}});
        if (!co_await instance.scope.sleep(wait)) break;
        wait = kMaintenanceEvery;
    } while (!instance.scope.cancelled());
    tasks.remove();
}

/// Runs erasures in a coroutine of their own, so that maintenance does not wait for them.
Task<> serve_erasures(Instance& instance, WaitGroup& tasks) {
    ErasureState state;
    Milliseconds wait = kMaintenanceSoon;
    for (;;) {
        const bool more = (co_await erase_what_is_due(instance, state)).more;
        if (!co_await instance.scope.sleep(more ? kErasurePause : wait)) break;
        if (!more) wait = kMaintenanceEvery;
    }
    tasks.remove();
}

}  // namespace

Task<ExitStatus> run_once(Instance& instance, std::int64_t& rejected) {
    ExitStatus outcome;
    std::optional<SinkError> failure;
    try {
        co_await release_leases_of_dead_instances(instance);
        WaitGroup tasks(instance.runtime);
        for (const std::string& site : instance.settings.api.sites) {
            tasks.add();
            instance.runtime.spawn(once(instance, site, outcome, rejected, tasks));
        }
        co_await tasks.wait();
        if (instance.scope.cancelled()) {
            outcome.merge({ExitReason::stopped, "stopped before the detail queue was done"});
        } else {
            const auto queue = [](Sink& sink) { return sink.work_queue().enqueue_ongoing(true); };
            co_await instance.sink_pool.run(queue);
            Details details(instance);
            const DrainResult result = co_await details.drain(false);
            if (result.fetched + result.failed > 0) {
                log::info(LogTopic::details, "details fetched",
                          {{"engagements", result.fetched}, {"failed", result.failed}});
            }
            rejected += result.rejected;
            outcome.merge(result.outcome);
            ErasureState erasures;
            const ErasureTurn turn = co_await erase_what_is_due(instance, erasures);
            if (turn.failure) outcome.merge(instance.exit_status_of(*turn.failure));
            if (!instance.scope.cancelled()) outcome.merge(co_await read_directory_once(instance, rejected));
            if (!instance.scope.cancelled()) outcome.merge(co_await read_statistics_once(instance, rejected));
            if (!instance.scope.cancelled()) outcome.merge(co_await enrich_once(instance));
            if (!instance.scope.cancelled()) co_await count_volume(instance);
            if (!instance.scope.cancelled()) co_await prune(instance);
        }
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) outcome.merge(instance.exit_status_of(*failure));
    co_return outcome;
}

Task<> run_service(Instance& instance) {
    log::info(LogTopic::service, "service started",
              {{"sites", static_cast<int>(instance.settings.api.sites.size())},
               {"instance_id", instance.instance_id}});
    WaitGroup tasks(instance.runtime);
    tasks.add();
    instance.runtime.spawn(serve_maintenance(instance, tasks));
    tasks.add();
    instance.runtime.spawn(serve_erasures(instance, tasks));
    tasks.add();
    instance.runtime.spawn(serve_details(instance, tasks));
    tasks.add();
    instance.runtime.spawn(serve_directory(instance, tasks));
    tasks.add();
    instance.runtime.spawn(serve_volume(instance, tasks));
    serve_statistics(instance, tasks);
    serve_enrichers(instance, tasks);
    for (const std::string& site : instance.settings.api.sites) {
        tasks.add();
        instance.runtime.spawn(serve_site(instance, site, tasks));
    }
    co_await tasks.wait();
    log::info(LogTopic::service, "service stopped");
}

}  // namespace glia
