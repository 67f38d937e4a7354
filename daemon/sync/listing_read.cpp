#include "daemon/sync/listing_read.hpp"

#include <algorithm>

#include "sinks/time_zone_names.hpp"

namespace glia {

void ListingRead::on_page(DirectoryPage page, int attempts, Instant fetched_at) {
    if (listing_.pages == 0) listing_.fetched_at = fetched_at;
    ++listing_.pages;
    listing_.requests += attempts;
    listing_.rejected += static_cast<std::int64_t>(page.rejected.size());
    if (!page.rejected.empty()) {
        listing_.every_record_known = false;
        if (first_rejection_.empty()) first_rejection_ = page.rejected.front();
    }
    listing_.records.append(std::move(page.records));
    if (!page.next_page) {
        step_ = Commit{};
    } else if (!links_.insert(*page.next_page).second) {
        fail("next_page repeats itself: the listing cannot be read to its end");
    } else if (listing_.pages >= kMaxPages || listing_.records.size() > kMaxRecords) {
        fail("the listing does not end after " + std::to_string(listing_.pages) + " pages");
    } else {
        step_ = Follow{*std::move(page.next_page)};
    }
}

void ListingRead::on_error(ApiError error) {
    ++listing_.requests;
    if (is_refusal(error)) {
        step_ = Refused{std::move(error.message)};
    } else {
        step_ = Failed{std::move(error)};
    }
}

void ListingRead::fail(std::string message) {
    step_ = Failed{{ApiError::Kind::unavailable, 200, std::move(message)}};
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
