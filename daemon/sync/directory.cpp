#include "daemon/sync/directory.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/base/log.hpp"
#include "daemon/sync/listing_read.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// A listing that another instance reads, or that is not due yet by the database's clock, is asked for again
// no later than this: the instance may die, and `directory.every` may become shorter.
constexpr Milliseconds kLongestWait{600'000};

/// How a listing ended, and when it is worth asking for again.
struct ListingResult {
    Outcome outcome;
    Milliseconds wait{};
};

Seconds whole_seconds(Milliseconds duration) {
    return std::max(Seconds{1}, std::chrono::duration_cast<Seconds>(duration));
}

/// Performs the steps of `read`. False: the engine ends.
Task<bool> fetch_listing(Engine& engine, const SiteLease& lease, ListingRead& read) {
    const Renewal renewal(engine, [&lease] {
        return [target = lease.target()](Sink& sink) { sink.site_leases().renew(target, kLeaseTime); };
    });
    for (;;) {
        const ListingRead::Step step = read.next();
        const auto* follow = std::get_if<ListingRead::Follow>(&step);
        if (!follow && !std::holds_alternative<ListingRead::FetchFirst>(step)) co_return true;
        if (engine.scope.ending()) co_return false;
        std::optional<Result<FetchedListing>> page;
        if (follow) {
            page.emplace(co_await engine.api.follow_listing(lease.stream, follow->link));
        } else {
            page.emplace(co_await engine.api.listing(lease.stream, lease.site_id));
        }
        if (*page) {
            FetchedListing& fetched = page->value();
            read.on_page(std::move(fetched.page), fetched.attempts, fetched.fetched_at);
        } else {
            if (page->error().kind == ApiError::Kind::cancelled) co_return false;
            read.on_error(std::move(page->error()));
        }
    }
}

void log_listing(const SiteLease& lease, const ListingRead& read, const DirectoryListing& listing,
                 const DirectoryCounts& counts) {
    const bool news = counts.inserted + counts.changed + counts.missing + counts.returned > 0;
    const auto line = news ? log::info : log::debug;
    line(LogTopic::sync, "listing read",
         {{"site", lease.site_id},
          {"stream", name_of(lease.stream)},
          {"pages", listing.pages},
          {"new", counts.inserted},
          {"changed", counts.changed},
          {"unchanged", counts.unchanged},
          {"missing", counts.missing},
          {"rejected", listing.rejected}});
    if (listing.rejected > 0)
        log::warn(LogTopic::sync, "records of a listing cannot be read, the others are stored",
                  {{"site", lease.site_id},
                   {"stream", name_of(lease.stream)},
                   {"records", listing.rejected},
                   {"error", read.first_rejection()}});
    for (const SiteEntry& site : listing.records.sites) {
        if (news && site.time_zone && !site.iana_time_zone)
            log::warn(LogTopic::sync,
                      "the time zone of the site is not known, its local times are UTC; give "
                      "directory.sites.ID.time_zone",
                      {{"site", lease.site_id}, {"time_zone", *site.time_zone}});
    }
}

Task<> commit_listing(Engine& engine, const SiteLease& lease, ListingRead& read) {
    DirectoryListing& listing = read.listing();
    for (SiteEntry& site : listing.records.sites) add_configured(site, engine.settings.directory);
    listing.next_in = whole_seconds(engine.settings.directory.every);
    const auto whole = std::make_shared<const DirectoryListing>(std::move(listing));
    const auto write = [target = lease.target(), whole](Sink& sink) {
        return sink.directory().commit_listing(target, *whole);
    };
    const DirectoryCounts counts = co_await engine.store.run(write);
    log_listing(lease, read, *whole, counts);
}

Task<> leave_alone(Engine& engine, const SiteLease& lease, std::string error) {
    DirectoryRefusal refusal{error, kRefusalRest, kRefusalRest, {}};
    if (lease.stream == Stream::sites)
        refusal.configured = configured_site(lease.site_id, engine.settings.directory);
    const auto write = [target = lease.target(), refusal](Sink& sink) {
        return sink.directory().refuse_listing(target, refusal);
    };
    if (!co_await engine.store.run(write)) co_return;
    log::warn(LogTopic::sync,
              "the API refuses a listing, of this site at least; it is asked for again in a day, or when "
              "glia-sync starts",
              {{"site", lease.site_id}, {"stream", name_of(lease.stream)}, {"error", error}});
}

/// Gives the lease back; with an error, it leaves a row in sync_runs.
Task<> release(Engine& engine, const SiteLease& lease, Milliseconds wait, std::string error,
               const DirectoryListing& listing) {
    SiteRelease release{wait, std::move(error), {}};
    if (!release.error.empty()) {
        FailedPass failed{"listing", {}, listing.requests, listing.rejected};
        failed.pass.from = listing.pages > 0 ? listing.fetched_at : engine.api.server_now();
        failed.pass.pages = listing.pages;
        release.failed = std::move(failed);
    }
    const auto give_back = [target = lease.target(), release](Sink& sink) {
        sink.site_leases().release(target, release);
    };
    co_await engine.store.run(give_back);
}

Task<ListingResult> read_leased(Engine& engine, const SiteLease& lease) {
    ListingResult result;
    ListingRead read;
    const bool whole = co_await fetch_listing(engine, lease, read);
    const ListingRead::Step step = read.next();
    if (!whole) {
        result.outcome = {Ending::stopped, "stopped while reading a listing"};
        co_await release(engine, lease, Milliseconds{0}, "", read.listing());
    } else if (const auto* refused = std::get_if<ListingRead::Refused>(&step)) {
        result.wait = kRefusalRest;
        co_await leave_alone(engine, lease, refused->error);
    } else if (const auto* failed = std::get_if<ListingRead::Failed>(&step)) {
        result.outcome = {ending_of(failed->error), failed->error.message};
        result.wait = listing_retry(engine.settings.directory.every, lease.failures + 1);
        log::error(LogTopic::sync, "listing failed",
                   {{"site", lease.site_id},
                    {"stream", name_of(lease.stream)},
                    {"next", to_text(result.wait)},
                    {"error", failed->error.message}});
        co_await release(engine, lease, result.wait, failed->error.message, read.listing());
    } else {
        result.wait = engine.settings.directory.every;
        co_await commit_listing(engine, lease, read);
    }
    co_return result;
}

Task<ListingResult> read_listing(Engine& engine, SiteKey key, bool force) {
    ListingResult result;
    std::optional<SinkError> failure;
    try {
        const auto acquire = [key, force, owner = engine.owner](Sink& sink) {
            return sink.site_leases().acquire(key, owner, kLeaseTime, force);
        };
        const SiteAcquired acquired = co_await engine.store.run(acquire);
        if (!acquired.lease) {
            result.wait = std::clamp<Milliseconds>(acquired.wait, Seconds{1}, kLongestWait);
            co_return result;
        }
        result = co_await read_leased(engine, *acquired.lease);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        result.outcome = engine.outcome_of(*failure);
        result.wait = listing_retry(engine.settings.directory.every, 1);
        if (!engine.scope.ending())
            log::warn(LogTopic::sync, "listing not stored, will be tried again",
                      {{"site", key.site_id}, {"stream", name_of(key.stream)}, {"error", failure->what()}});
    }
    co_return result;
}

std::vector<SiteKey> listings(const Settings& settings) {
    std::vector<SiteKey> keys;
    for (const std::string& site : settings.api.sites) {
        for (const Stream stream : kDirectoryStreams) keys.push_back({site, stream});
    }
    return keys;
}

Task<bool> keeps_directory(Engine& engine) {
    if (!engine.settings.directory.enabled) co_return false;
    const auto ask = [](Sink& sink) { return sink.directory().keeps_directory(); };
    co_return co_await engine.store.run(ask);
}

}  // namespace

Task<Outcome> read_directory_once(Engine& engine) {
    Outcome outcome;
    if (!co_await keeps_directory(engine)) co_return outcome;
    for (const SiteKey& key : listings(engine.settings)) {
        if (engine.scope.ending()) break;
        outcome.merge((co_await read_listing(engine, key, true)).outcome);
    }
    co_return outcome;
}

Task<> serve_directory(Engine& engine, Latch& latch) {
    struct Due {
        SiteKey key;
        SteadyTime at{};
        bool first = true;
    };
    std::vector<Due> all;
    for (SiteKey& key : listings(engine.settings)) all.push_back({std::move(key)});
    bool wanted = false;
    try {
        wanted = co_await keeps_directory(engine);
    } catch (const SinkError&) {
        wanted = !engine.scope.ending();  // asked when it is back
    }
    while (wanted && !engine.scope.ending()) {
        for (Due& due : all) {
            if (engine.scope.ending()) break;
            if (due.at > std::chrono::steady_clock::now()) continue;
            const ListingResult result = co_await read_listing(engine, due.key, due.first);
            due.first = false;
            due.at = std::chrono::steady_clock::now() + result.wait;
        }
        const auto next =
            std::min_element(all.begin(), all.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
        const auto wait =
            std::chrono::duration_cast<Milliseconds>(next->at - std::chrono::steady_clock::now());
        if (!co_await engine.scope.sleep(std::clamp(wait, Milliseconds{100}, kLongestWait))) break;
    }
    latch.remove();
}

}  // namespace glia
