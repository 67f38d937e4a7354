// sample: prints engagements as they would be stored, with privacy applied.
#include <algorithm>
#include <iostream>
#include <set>

#include "daemon/base/printable.hpp"
#include "daemon/cli/api_bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/sync/exit_status.hpp"
#include "sinks/ndjson/line.hpp"

namespace glia::cli {
namespace {

/// Selects the engagements to print and counts them.
class Sample {
  public:
    explicit Sample(const SampleOptions& options) : left_(options.limit) {}

    bool is_complete() const { return left_ == 0; }
    /// True if this engagement is to be printed. Each one is printed once, for the first site that lists it.
    bool takes(const Engagement& engagement) {
        return !is_complete() && printed_.insert(engagement.id.str()).second;
    }
    void print(const Engagement& engagement, Instant fetched_at, const std::string& site) {
        std::cout << printable_json(ndjson::line_of(engagement, fetched_at, {site})) << std::flush;
        --left_;
    }
    void reject(const RejectedRecord& record) {
        if (is_complete()) return;
        complain("engagement " + record.engagement_id.value_or("without an id") +
                 " would be rejected: " + record.reason);
    }

  private:
    std::int64_t left_;
    std::set<std::string> printed_;
};

/// Prints the engagement with its legs, which most listings lack.
Task<std::optional<ApiError>> print_whole(EngagementsApi& api, Sample& sample, std::string site,
                                          Engagement listed, Instant listed_at) {
    if (listed.legs) {
        sample.print(listed, listed_at, site);
        co_return std::nullopt;
    }
    auto detail = co_await api.get(listed.id.str());
    if (!detail) co_return detail.error();
    FetchedDetail& fetched = detail.value();
    if (fetched.detail.rejected) sample.reject(*fetched.detail.rejected);
    if (fetched.detail.engagement) sample.print(*fetched.detail.engagement, fetched.fetched_at, site);
    co_return std::nullopt;
}

Task<std::optional<ApiError>> sample_site(EngagementsApi& api, Sample& sample, std::string site, Instant from,
                                          int per_page) {
    ListQuery query;
    query.site_id = site;
    query.start = from;
    query.per_page = per_page;
    auto page = co_await api.list(query);
    for (;;) {
        if (!page) co_return page.error();
        FetchedPage& fetched = page.value();
        for (const RejectedRecord& rejected : fetched.page.rejected) sample.reject(rejected);
        for (Engagement& engagement : fetched.page.engagements) {
            if (!sample.takes(engagement)) continue;
            const auto error =
                co_await print_whole(api, sample, site, std::move(engagement), fetched.fetched_at);
            if (error) co_return error;
        }
        if (sample.is_complete() || !fetched.page.next_page) co_return std::nullopt;
        page = co_await api.follow(*fetched.page.next_page);
    }
}

Task<int> print_sample(EngagementsApi& api, const Settings& settings, SampleOptions options) {
    const std::vector<std::string>& sites = options.sites.empty() ? settings.api.sites : options.sites;
    const int per_page = static_cast<int>(
        std::min<std::int64_t>(settings.api.per_page, std::max<std::int64_t>(options.limit, 1)));
    Sample sample(options);
    ExitStatus worst;
    for (const std::string& site : sites) {
        if (sample.is_complete()) break;
        const auto error = co_await sample_site(api, sample, site, settings.sync.start_from, per_page);
        if (!error) continue;
        complain("site " + site + ": " + error->message);
        worst.merge({exit_reason_of(*error), error->message});
    }
    co_return exit_code(worst.reason);
}

/// Fetches the names of the configured sites. Leaves out a site whose request fails.
Task<SiteNames> names_at_source(EngagementsApi& api, const Settings& settings) {
    SiteNames names;
    for (const std::string& id : settings.api.sites) {
        const auto listed = co_await api.listing(Stream::sites, id);
        if (!listed) continue;
        for (const SiteEntry& site : listed.value().page.records.sites) {
            if (site.name) names[id] = *site.name;
        }
    }
    co_return names;
}

/// Replaces the names of sites by their ids. False if one is not known; then the error is printed.
Task<bool> resolve_sites(EngagementsApi& api, const Settings& settings, SampleOptions& options) {
    SiteNames names;
    for (std::string& site : options.sites) {
        if (!is_configured_site(settings, site) && names.empty())
            names = co_await names_at_source(api, settings);
        auto id = site_id_of(settings, site, names);
        if (!id) co_return false;
        site = *std::move(id);
    }
    co_return true;
}

}  // namespace

int sample(const std::string& config, const SampleOptions& options) {
    return with_api(config, [options](EngagementsApi& api, const Settings& settings) -> Task<int> {
        SampleOptions known = options;
        if (!co_await resolve_sites(api, settings, known)) co_return kUsage;
        co_return co_await print_sample(api, settings, std::move(known));
    });
}

}  // namespace glia::cli
