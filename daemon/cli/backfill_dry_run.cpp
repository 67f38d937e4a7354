#include "daemon/cli/backfill_dry_run.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "daemon/cli/api_bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/sync/backfill_estimate.hpp"
#include "daemon/sync/exit_status.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

// Bounds the waiting time: a day of a busy site has a hundred pages.
constexpr std::int64_t kProbedWindows = 12;
constexpr std::int64_t kMostPagesOfWindow = 40;

/// Lists one window. Returns the error if it failed.
Task<std::optional<ApiError>> probe(EngagementsApi& api, ProbeWindow window, ProbeCounts& counts) {
    const auto began = std::chrono::steady_clock::now();
    ListQuery query;  // a variable: GCC 12 destroys a temporary in a co_await expression twice
    query.site_id = window.site_id;
    query.start = window.from;
    query.end = window.to;
    auto page = co_await api.list(query);
    std::int64_t pages = 0;
    for (;;) {
        if (!page) co_return page.error();
        ++pages;
        const ParsedPage& shown = page.value().page;
        for (const Engagement& engagement : shown.engagements) {
            ++counts.engagements;
            if (!engagement.legs) ++counts.without_legs;
        }
        if (!shown.next_page) break;
        counts.is_cut = counts.is_cut || pages == kMostPagesOfWindow;
        if (pages == kMostPagesOfWindow) break;
        page = co_await api.follow(*shown.next_page);
    }
    ++counts.windows;
    counts.pages += pages;
    counts.waited += std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began);
    co_return std::nullopt;
}

void print(const BackfillRequest& request, std::size_t sites, std::int64_t windows, const ProbeCounts& counts,
           const BackfillEstimate& estimate, bool with_legs) {
    const char* about = counts.is_cut ? "at least " : "about ";
    std::cout << "backfill: " << to_iso8601(request.spec.from) << " to " << to_iso8601(request.spec.to)
              << " is " << with_commas(windows) << " windows of " << sites
              << (sites == 1 ? " site" : " sites") << "\n"
              << "probed " << with_commas(counts.windows) << " windows: " << with_commas(counts.pages)
              << " pages, " << with_commas(counts.engagements) << " engagements, "
              << (counts.engagements == counts.without_legs
                      ? "without legs"
                      : with_commas(counts.engagements - counts.without_legs) + " with their legs")
              << "\n"
              << about << with_commas(estimate.engagements)
              << " engagements: " << with_commas(estimate.requests()) << " requests ("
              << with_commas(estimate.pages) << " pages, " << with_commas(estimate.details)
              << (with_legs ? " for legs" : " for legs, which are not loaded")
              << (estimate.statistics > 0 ? ", " + with_commas(estimate.statistics) + " for statistics" : "")
              << ")\n"
              << about << short_duration(estimate.time) << " at "
              << with_commas(std::max<std::int64_t>(1, std::llround(estimate.requests_per_second)))
              << " requests a second\n"
              << "nothing was written\n";
}

Task<int> estimate(EngagementsApi& api, const Settings& settings, BackfillRequest request,
                   std::vector<std::string> named, bool with_legs) {
    const auto chosen = chosen_sites(settings, named);
    if (!chosen) co_return kUsage;
    const std::vector<std::string>& sites = *chosen;
    const BackfillSpec& spec = request.spec;
    ProbeCounts counts;
    ExitStatus worst;
    std::int64_t refused = 0;
    std::string failed;  // a site that failed: its other windows are skipped
    for (const ProbeWindow& window : probe_windows(sites, spec.from, spec.to, spec.window, kProbedWindows)) {
        if (window.site_id == failed) continue;
        const auto error = co_await probe(api, window, counts);
        if (!error) continue;
        failed = window.site_id;
        ++refused;
        complain("site " + failed + ": " + error->message);
        worst.merge({exit_reason_of(*error), error->message});
    }
    if (counts.windows > 0) {
        const auto of_sites = static_cast<std::int64_t>(sites.size()) - refused;
        const std::int64_t windows = windows_of_range(spec.from, spec.to, spec.window) * of_sites;
        const RequestRate rate{api.rate_limit(), settings.api.max_in_flight, request.concurrency};
        // Without --only, the command loads statistics too.
        std::int64_t statistics = 0;
        if (with_legs && settings.statistics.enabled) {
            statistics = of_sites * statistics_requests(spec.from, spec.to, EngagementsApi::machine_now(),
                                                        settings.statistics.interval);
        }
        print(request, static_cast<std::size_t>(of_sites), windows, counts,
              estimate_backfill(counts, windows, with_legs, rate, statistics), with_legs);
    }
    co_return exit_code(worst.reason);
}

}  // namespace

int backfill_dry_run(const std::string& config, const BackfillRequest& request,
                     const std::vector<std::string>& sites, bool with_legs) {
    return with_api(config, [&](EngagementsApi& api, const Settings& settings) -> Task<int> {
        co_return co_await estimate(api, settings, request, sites, with_legs);
    });
}

}  // namespace glia::cli
