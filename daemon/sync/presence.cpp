#include "daemon/sync/presence.hpp"

#include <algorithm>
#include <utility>

#include "daemon/base/log.hpp"

namespace glia {
namespace {

/// Compares the listings with the stored engagements that this site was the first to list. Other sites check
/// theirs.
Task<> compare(Instance& instance, std::string site, std::vector<Unlisted>& listings) {
    for (;;) {
        std::vector<StoredRange> ranges;
        std::vector<Unlisted*> asking;
        for (Unlisted& listing : listings) {
            const auto range = listing.next_range();
            if (!range) continue;
            ranges.push_back(*range);
            asking.push_back(&listing);
        }
        if (asking.empty()) co_return;
        const auto read = [&site, &ranges](Sink& sink) {
            return sink.verifications()->ids_in_ranges(site, ranges);
        };
        const std::vector<StoredIds> stored = co_await instance.sink_pool.run(read);
        for (std::size_t i = 0; i < asking.size(); ++i) asking[i]->on_stored(stored.at(i));
    }
}

/// Requests each engagement and returns those that the source does not have. An engagement whose id the API
/// refuses counts as present. Ends early if a request fails for another reason.
Task<std::vector<GoneEngagement>> request_each(Instance& instance, std::vector<std::string> ids) {
    std::vector<GoneEngagement> gone;
    for (const std::string& id : ids) {
        const Instant asked_at = instance.api.server_now();
        const auto fetched = co_await instance.api.get(id);
        if (fetched || fetched.error().kind == ApiError::Kind::refused) {
            instance.presence.note_present(id, steady_now());
        } else if (fetched.error().kind == ApiError::Kind::not_found) {
            gone.push_back({id, asked_at});
        } else {
            break;
        }
    }
    co_return gone;
}

/// Returns the engagements to request. None of an implausible listing: logs a warning instead.
std::vector<std::string> ids_to_request(Instance& instance, const std::string& site,
                                        const std::vector<Unlisted>& listings) {
    std::vector<std::string> ids;
    for (const Unlisted& listing : listings) {
        const std::vector<std::string> of_listing = listing.ids_to_request();
        ids.insert(ids.end(), of_listing.begin(), of_listing.end());
        if (listing.is_plausible() || !instance.presence.should_warn(site, steady_now())) continue;
        log::warn(LogTopic::sync, "the listing lacks many stored engagements; nothing is marked as missing",
                  {{"site", site}, {"stored", listing.stored()}, {"not_listed", listing.unlisted()}});
    }
    return ids;
}

Task<> check_unlisted(Instance& instance, ListingBatch batch) {
    const auto can_compare = [](Sink& sink) { return sink.verifications() != nullptr; };
    if (!co_await instance.sink_pool.run(can_compare)) co_return;
    const std::string& site = batch.site;
    std::vector<Unlisted> listings;
    for (CompleteListing& listing : batch.listings)
        listings.emplace_back(std::move(listing), instance.presence, steady_now());
    co_await compare(instance, site, listings);
    const std::vector<std::string> ids = ids_to_request(instance, site, listings);
    if (ids.empty()) co_return;
    const std::vector<GoneEngagement> gone = co_await request_each(instance, ids);
    if (gone.empty()) co_return;
    const auto mark_all = [gone](Sink& sink) { return sink.verifications()->mark_missing(gone); };
    const auto marked = co_await instance.sink_pool.run(mark_all);
    if (marked.empty()) co_return;
    log::info(LogTopic::sync, "the source no longer has engagements",
              {{"site", site}, {"count", static_cast<std::int64_t>(marked.size())}});
}

/// Returns the listing that a pass has read; none if it proves nothing about missing engagements.
std::optional<CompleteListing> complete_listing(const Instance& instance, Instant from, OptionalInstant to,
                                                const PassResult& pass) {
    // A token restricted to some operators neither lists nor returns the engagements of others.
    if (!pass.complete || !pass.listed || !instance.settings.api.operator_ids.empty()) return std::nullopt;
    const OptionalInstant began = pass.reached.pass.started_at;
    if (!began) return std::nullopt;
    // Engagements created after the first page was requested may be absent from the listing.
    return CompleteListing{from, to ? std::min(*to, *began) : *began, pass.listed};
}

Task<> try_to_check_unlisted(Instance& instance, ListingBatch batch) {
    if (instance.scope.cancelled()) co_return;
    std::optional<SinkError> failure;
    try {
        co_await check_unlisted(instance, std::move(batch));
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure)
        log::debug(LogTopic::sync, "unlisted engagements were not checked", {{"error", failure->what()}});
}

}  // namespace

Task<> mark_unlisted(Instance& instance, std::string site, Instant from, PassResult pass) {
    std::optional<CompleteListing> listing = complete_listing(instance, from, std::nullopt, pass);
    if (!listing) co_return;
    ListingBatch batch;
    batch.site = std::move(site);
    batch.listings.push_back(std::move(*listing));
    co_await try_to_check_unlisted(instance, std::move(batch));
}

void UnlistedSearch::add(const std::string& site, Instant from, OptionalInstant to, const PassResult& pass) {
    if (!may_lack_stored(pass.counts)) return;
    std::optional<CompleteListing> listing = complete_listing(instance_, from, to, pass);
    if (!listing) return;
    if (!waiting_.add(site, std::move(*listing)))
        log::warn(LogTopic::sync, "unlisted engagements were not checked: too many listings are waiting",
                  {{"site", site}});
    start();
}

void UnlistedSearch::finish() {
    is_last_ = true;
    start();
}

void UnlistedSearch::start() {
    if (is_running_) return;
    std::optional<ListingBatch> batch = waiting_.next(is_last_);
    if (!batch) return;
    is_running_ = true;
    instance_.background.add();
    instance_.runtime.spawn(run(shared_from_this(), std::move(*batch)));
}

Task<> UnlistedSearch::run(std::shared_ptr<UnlistedSearch> self, ListingBatch batch) {
    Instance& instance = self->instance_;
    std::optional<ListingBatch> next = std::move(batch);
    while (next) {
        co_await try_to_check_unlisted(instance, std::move(*next));
        next = self->waiting_.next(self->is_last_);
    }
    self->is_running_ = false;
    instance.background.remove();
}

}  // namespace glia
