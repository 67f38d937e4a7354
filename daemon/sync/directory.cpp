#include "daemon/sync/directory.hpp"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/base/log.hpp"
#include "daemon/sync/listing_schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

/// Performs the steps of `read` until one releases the lease.
Task<> fetch_listing(Instance& instance, ListingRead& read) {
    const Renewal renewal(instance, read.lease().target());
    const SiteLease& lease = read.lease();
    for (;;) {
        const ListingRead::Step step = read.next();
        const auto* follow = std::get_if<ListingRead::Follow>(&step);
        if (!follow && !std::holds_alternative<ListingRead::FetchFirst>(step)) co_return;
        if (instance.scope.cancelled()) {
            read.stop();
            co_return;
        }
        std::optional<Result<FetchedListing>> page;
        if (follow) {
            page.emplace(co_await instance.api.follow_listing(lease.stream, follow->link));
        } else {
            page.emplace(co_await instance.api.listing(lease.stream, lease.site_id));
        }
        if (*page) {
            FetchedListing& fetched = page->value();
            read.on_page(std::move(fetched.page), fetched.attempts, fetched.fetched_at);
        } else {
            read.on_error(page->error(), instance.api.server_now());
        }
    }
}

bool has_news(const DirectoryCounts& counts) {
    return counts.inserted + counts.changed + counts.missing + counts.returned > 0;
}

void log_listing(const SiteLease& lease, const DirectoryListing& listing, const DirectoryCounts& counts) {
    const auto rejected = static_cast<std::int64_t>(listing.rejected.size());
    const bool news = has_news(counts);
    const auto line = news ? log::info : log::debug;
    line(LogTopic::sync, "listing read",
         {{"site", lease.site_id},
          {"stream", name_of(lease.stream)},
          {"pages", listing.pages},
          {"new", counts.inserted},
          {"changed", counts.changed},
          {"unchanged", counts.unchanged},
          {"missing", counts.missing},
          {"rejected", rejected}});
    if (rejected > 0)
        log::warn(LogTopic::sync, "records of a listing cannot be read, the others are stored",
                  {{"site", lease.site_id},
                   {"stream", name_of(lease.stream)},
                   {"records", rejected},
                   {"error", listing.rejected.front().reason}});
}

/// Warns if the site's time zone is unknown to the program or to the destination.
Task<> check_time_zone(Instance& instance, const SiteEntry& site) {
    if (!site.time_zone) co_return;
    if (!site.iana_time_zone) {
        log::warn(LogTopic::sync,
                  "the time zone of the site is not known, its local times are UTC; give "
                  "directory.sites.ID.time_zone",
                  {{"site", site.id.value_or("")}, {"time_zone", *site.time_zone}});
        co_return;
    }
    const auto ask = [zone = *site.iana_time_zone](Sink& sink) {
        return sink.directory().knows_time_zone(zone);
    };
    const bool is_known = co_await instance.sink_pool.run(ask);
    if (!is_known)
        log::warn(
            LogTopic::sync,
            "PostgreSQL does not know the time zone of the site, its local times are UTC; if it comes from "
            "directory.sites, correct it there",
            {{"site", site.id.value_or("")}, {"time_zone", *site.time_zone}});
}

Task<> commit_listing(Instance& instance, const ListingRead& read,
                      std::shared_ptr<const DirectoryListing> listing) {
    const auto write = [target = read.lease().target(), listing](Sink& sink) {
        return sink.directory().commit_listing(target, *listing);
    };
    const DirectoryCounts counts = co_await instance.sink_pool.run(write);
    log_listing(read.lease(), *listing, counts);
    if (has_news(counts)) {
        for (const SiteEntry& site : listing->records.sites) co_await check_time_zone(instance, site);
    }
    if (read.lease().stream == Stream::sites) co_await load_site_names(instance);
}

Task<> commit_refusal(Instance& instance, const SiteLease& lease, DirectoryRefusal refusal) {
    const auto write = [target = lease.target(), refusal](Sink& sink) {
        return sink.directory().refuse_listing(target, refusal);
    };
    if (!co_await instance.sink_pool.run(write)) co_return;
    log::warn(LogTopic::sync,
              "the API refuses a listing, at least for this site; the next attempt is in a day, or when "
              "glia-sync starts",
              {{"site", lease.site_id}, {"stream", name_of(lease.stream)}, {"error", refusal.error}});
    if (refusal.configured) co_await check_time_zone(instance, *refusal.configured);
}

Task<> release(Instance& instance, const SiteLease& lease, SiteRelease release) {
    if (!release.error.empty())
        log::error(LogTopic::sync, "listing failed",
                   {{"site", lease.site_id},
                    {"stream", name_of(lease.stream)},
                    {"next", to_text(release.next_poll_in)},
                    {"error", release.error}});
    const auto give_back = [target = lease.target(), release](Sink& sink) {
        sink.site_leases().release(target, release);
    };
    co_await instance.sink_pool.run(give_back);
}

Task<ListingResult> read_leased(Instance& instance, SiteLease lease) {
    ListingRead read(std::move(lease), instance.settings.directory);
    co_await fetch_listing(instance, read);
    const ListingRead::Step step = read.next();
    if (const auto* commit = std::get_if<ListingRead::Commit>(&step)) {
        co_await commit_listing(instance, read, commit->listing);
    } else if (const auto* refuse = std::get_if<ListingRead::Refuse>(&step)) {
        co_await commit_refusal(instance, read.lease(), refuse->refusal);
    } else {
        co_await release(instance, read.lease(), std::get<ListingRead::Release>(step).release);
    }
    co_return read.result();
}

Task<ListingResult> read_listing(Instance& instance, SiteKey key, bool force) {
    ListingResult result;
    std::optional<SinkError> failure;
    try {
        SiteAcquired acquired = co_await acquire_site(instance, key, force);
        if (!acquired.lease) co_return listing_not_leased(acquired);
        result = co_await read_leased(instance, *std::move(acquired.lease));
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        result = listing_not_stored(instance.exit_status_of(*failure), instance.settings.directory);
        if (!instance.scope.cancelled())
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

Task<bool> keeps_directory(Instance& instance) {
    if (!instance.settings.directory.enabled) co_return false;
    const auto ask = [](Sink& sink) { return sink.directory().keeps_directory(); };
    co_return co_await instance.sink_pool.run(ask);
}

}  // namespace

Task<> load_site_names(Instance& instance) {
    for (const auto& [id, given] : instance.settings.directory.sites) {
        if (!given.name.empty()) log::name_site(id, given.name);
    }
    const auto ask = [ids = instance.settings.api.sites](Sink& sink) {
        return sink.directory().site_names(ids);
    };
    const std::map<std::string, std::string> names = co_await instance.sink_pool.run(ask);
    for (const auto& [id, name] : names) log::name_site(id, name);
}

Task<ExitStatus> read_directory_once(Instance& instance, std::int64_t& rejected) {
    ExitStatus outcome;
    if (!co_await keeps_directory(instance)) co_return outcome;
    for (const SiteKey& key : listings(instance.settings)) {
        if (instance.scope.cancelled()) break;
        const ListingResult result = co_await read_listing(instance, key, true);
        outcome.merge(result.outcome);
        rejected += result.rejected;
    }
    co_return outcome;
}

Task<> serve_directory(Instance& instance, WaitGroup& tasks) {
    ListingSchedule schedule(listings(instance.settings));
    bool wanted = false;
    try {
        wanted = co_await keeps_directory(instance);
    } catch (const SinkError&) {
        // Whether the sink keeps a directory is unknown: assumes that it does, and retries with each listing.
        wanted = !instance.scope.cancelled();
    }
    while (wanted && !instance.scope.cancelled()) {
        const auto next = schedule.next(steady_now());
        if (const auto* read = std::get_if<ListingSchedule::Read>(&next)) {
            const ListingResult result = co_await read_listing(instance, read->key, read->force);
            schedule.on_result(*read, result, steady_now());
        } else if (!co_await instance.scope.sleep(std::get<ListingSchedule::Wait>(next).duration)) {
            break;
        }
    }
    tasks.remove();
}

}  // namespace glia
