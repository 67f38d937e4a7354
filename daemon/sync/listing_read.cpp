#include "daemon/sync/listing_read.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sinks/invariant.hpp"
#include "sinks/time_zone_names.hpp"

namespace glia {

namespace {

Seconds whole_seconds(Milliseconds duration) {
    return std::max(Seconds{1}, std::chrono::duration_cast<Seconds>(duration));
}

}  // namespace

ListingRead::ListingRead(SiteLease lease, const DirectorySettings& settings)
    : lease_(std::move(lease)), settings_(settings) {
    check_invariant(lease_.epoch > 0, "a lease has a positive epoch");
}

void ListingRead::on_page(DirectoryPage page, int attempts, Instant fetched_at) {
    if (listing_.pages == 0) listing_.fetched_at = fetched_at;
    ++listing_.pages;
    listing_.requests += attempts;
    std::move(page.rejected.begin(), page.rejected.end(), std::back_inserter(listing_.rejected));
    listing_.records.append(std::move(page.records));
    if (!page.next_page) {
        commit();
    } else if (!links_.insert(*page.next_page).second) {
        fail("next_page repeats itself: the listing cannot be read to its end");
    } else if (listing_.pages >= kMaxPages ||
               listing_.records.size() + listing_.rejected.size() > kMaxRecords) {
        fail("the listing does not end after " + std::to_string(listing_.pages) + " pages");
    } else {
        step_ = Follow{*std::move(page.next_page)};
    }
}

void ListingRead::on_error(const ApiError& error, Instant server_now) {
    if (error.kind == ApiError::Kind::cancelled) return stop();
    ++listing_.requests;
    if (listing_.pages == 0) {
        if (is_refusal(error)) return refuse(error.message);
        return fail({exit_reason_of(error), error.message}, server_now);
    }
    // If a page after the first is refused, the server no longer knows the link: the listing is read again
    // from its start, like a window of engagements (DESIGN.md §3.4). Only a refused first page means a
    // refused listing.
    if (is_refusal(error)) return fail("a link to a further page is not accepted: " + error.message);
    fail({exit_reason_of(error), error.message}, listing_.fetched_at);
}

void ListingRead::stop() {
    result_ = {{ExitReason::stopped, "stopped while reading a listing"}, {}};
    step_ = Release{};
}

void ListingRead::commit() {
    for (SiteEntry& site : listing_.records.sites) add_configured(site, settings_);
    listing_.next_in = whole_seconds(settings_.every);
    result_.wait = settings_.every;
    result_.rejected = static_cast<std::int64_t>(listing_.rejected.size());
    step_ = Commit{std::make_shared<const DirectoryListing>(std::move(listing_))};
}

void ListingRead::refuse(std::string error) {
    DirectoryRefusal refusal{std::move(error), kRefusalPause, kRefusalPause, {}};
    if (lease_.stream == Stream::sites) refusal.configured = configured_site(lease_.site_id, settings_);
    result_.wait = kRefusalPause;
    step_ = Refuse{std::move(refusal)};
}

void ListingRead::fail(ExitStatus outcome, Instant began) {
    result_ = {std::move(outcome), listing_retry(settings_.every, lease_.failures + 1)};
    FailedPass failed{"listing", {}, listing_.requests, static_cast<std::int64_t>(listing_.rejected.size())};
    failed.pass.from = began;
    failed.pass.pages = listing_.pages;
    step_ = Release{{result_.wait, result_.outcome.error, std::move(failed)}};
}

void ListingRead::fail(std::string message) {
    fail({ExitReason::unavailable, std::move(message)}, listing_.fetched_at);
}

bool is_refusal(const ApiError& error) {
    return error.status == 403 || error.status == 404 || error.status == 410 || error.status == 422;
}

Milliseconds listing_retry(Milliseconds every, int failures) {
    constexpr Milliseconds kFirst{60'000}, kLongest{3'600'000};
    const Milliseconds wait{kFirst.count() << std::clamp(failures - 1, 0, 10)};
    return std::min({wait, kLongest, every});
}

void add_configured(SiteEntry& site, const DirectorySettings& settings) {
    const auto found = settings.sites.find(site.id.value_or(""));
    if (found == settings.sites.end()) return;
    const SiteNameSettings& given = found->second;
    if (!site.name && !given.name.empty()) site.name = given.name;
    if (site.iana_time_zone || given.time_zone.empty()) return;
    if (!site.time_zone) site.time_zone = given.time_zone;
    site.iana_time_zone = iana_time_zone(given.time_zone);
}

std::optional<SiteEntry> configured_site(const std::string& id, const DirectorySettings& settings) {
    if (!settings.sites.contains(id)) return std::nullopt;
    SiteEntry site;
    site.id = id;
    add_configured(site, settings);
    return site;
}

}  // namespace glia
