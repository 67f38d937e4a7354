#include <unistd.h>

#include <cmath>
#include <iostream>

#include "daemon/admin/status_json.hpp"
#include "daemon/base/instance_id.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/sync/status_check.hpp"
#include "sinks/durations.hpp"

namespace glia::cli {
namespace {

bool is_of_engagements(const SiteStatus& site) {
    return site.stream == name_of(Stream::engagements);
}

std::string show(const OptionalInstant& time) {
    return time ? second_of(*time) : "never";
}

/// The site's name and id, and the stream unless it is `engagements`.
std::string label_of(const SiteStatus& site) {
    const std::string named = site.name ? *site.name + " " + site.site_id : site.site_id;
    return printable(named + (is_of_engagements(site) ? "" : " (" + site.stream + ")"));
}

Table::Cell state_of(const SiteStatus& site) {
    if (is_failing(site)) return {"failing", Paint::bad};
    if (site.lease_owner) return {"being read", Paint::good};
    if (site.refusal) return {"refused by the API", Paint::warn};
    if (!site.last_success_at) return {"not yet read", Paint::warn};
    if (site.lag_seconds && *site.lag_seconds < -kClockTolerance.count())
        return {"watermark in the future", Paint::bad};
    return {"in order", Paint::good};
}

Table::Cell lag_of(const SiteStatus& site) {
    if (!site.lag_seconds) return {"-", Paint::dim, true};
    return {short_duration(std::chrono::seconds{static_cast<std::int64_t>(*site.lag_seconds)}), Paint::plain,
            true};
}

std::string sites(const StatusReport& report, bool colour) {
    Table table({"site", "state", "synced through", "lag", "last success", "next poll", "rejected"});
    for (const SiteStatus& site : report.sites) {
        table.add({{label_of(site)},
                   state_of(site),
                   {show(site.synced_through)},
                   lag_of(site),
                   {show(site.last_success_at)},
                   {site.next_poll_at ? show(site.next_poll_at) : "when an instance runs"},
                   {with_commas(site.rejected), site.rejected > 0 ? Paint::warn : Paint::plain, true}});
    }
    return table.text(colour);
}

std::string left_of(double seconds) {
    return short_duration(std::chrono::seconds{std::llround(seconds)}) + " to go";
}

void print_undocumented_members(const StatusReport& report, bool colour) {
    if (report.undocumented_members.empty()) return;
    std::cout << "undocumented      "
              << with_commas(static_cast<std::int64_t>(report.undocumented_members.size()))
              << " members are not as documented; see the table undocumented_members\n";
    for (const UndocumentedStatus& member : report.undocumented_members) {
        if (member.is_new)
            std::cout << painted("  new             ", Paint::warn, colour) << printable(member.path) << " ("
                      << member.kind << "), first seen " << show(member.first_seen_at) << "\n";
    }
}

void print(const StatusReport& report, bool colour) {
    std::cout << sites(report, colour) << "\n";
    for (const SiteStatus& site : report.sites) {
        if (site.lease_owner)
            std::cout << "site " << label_of(site)
                      << printable(" is being read by " + *site.lease_owner + " until " +
                                   show(site.lease_expires_at))
                      << "\n";
        if (site.last_error)
            std::cout << "site " << label_of(site) << " last error " << show(site.last_error_at) << ": "
                      << painted(printable(*site.last_error), is_failing(site) ? Paint::bad : Paint::dim,
                                 colour)
                      << "\n";
    }
    for (const SiteStatus& site : report.sites) {
        if (site.missing > 0)
            std::cout << "site " << label_of(site) << ": the source no longer has "
                      << painted(with_commas(site.missing), Paint::warn, colour) << " stored engagements\n";
        if (site.volume && site.volume->is_low())
            std::cout << "site " << label_of(site) << ": "
                      << painted(with_commas(site.volume->seen) + " engagements in " +
                                     std::to_string(site.volume->hours) + " hours, usually " +
                                     with_commas(std::llround(site.volume->expected)),
                                 Paint::warn, colour)
                      << "\n";
        if (site.verified_through)
            std::cout << "site " << label_of(site) << " verified through " << show(site.verified_through)
                      << " (" << show(site.verified_at) << ")\n";
    }
    std::cout << "details waiting   " << with_commas(report.details_waiting) << ", parked "
              << painted(with_commas(report.details_parked),
                         report.details_parked > 0 ? Paint::warn : Paint::plain, colour)
              << "\nrejected records  "
              << painted(with_commas(report.rejected), report.rejected > 0 ? Paint::warn : Paint::plain,
                         colour)
              << (report.rejected > 0 ? "  (see `glia-sync rejects list`)" : "") << "\n";
    for (const EnricherStatus& enricher : report.enrichers) {
        std::cout << "enricher          " << enricher.kind << ": " << with_commas(enricher.waiting)
                  << " waiting";
        if (enricher.failing > 0) {
            std::cout << ", of these "
                      << painted(with_commas(enricher.failing) + " failing", Paint::warn, colour);
        }
        std::cout << ", last success " << show(enricher.last_success_at);
        if (is_failing(enricher))
            std::cout << ", " << painted(printable(*enricher.last_error), Paint::bad, colour);
        std::cout << "\n";
    }
    for (const BackfillStatus& backfill : report.backfills) {
        const bool of_engagements = backfill.stream == name_of(Stream::engagements);
        std::cout << "backfill          " << (of_engagements ? "" : printable(backfill.stream) + " of ")
                  << show(backfill.from) << " to " << show(backfill.to) << ": "
                  << with_commas(backfill.windows_done) << " of " << with_commas(backfill.windows_total)
                  << " windows"
                  << (of_engagements ? ", " + with_commas(backfill.engagements) + " engagements" : "")
                  << (backfill.seconds_left ? ", " + left_of(*backfill.seconds_left) : "") << "\n";
    }
    for (const ClockStatus& clock : report.clocks) {
        if (std::abs(clock.ahead_seconds) <= kClockTolerance.count()) continue;
        const std::string by = short_duration(std::chrono::round<std::chrono::minutes>(
            std::chrono::duration<double>(std::abs(clock.ahead_seconds))));
        std::cout << painted("clock", Paint::warn, colour) << "             the API's is " << by
                  << (clock.ahead_seconds > 0 ? " ahead of" : " behind") << " that of "
                  << (clock.machine == this_machine() ? "this machine" : "a machine that runs glia-sync")
                  << "; correct the one that is wrong (NTP)\n";
    }
    print_undocumented_members(report, colour);
    std::cout << "schema version    " << report.schema_version << "\n";
}

}  // namespace

int status(const std::string& config, bool as_json) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        const auto sink = open_sink(settings);
        StatusReport report = sink->reports().status();
        for (const std::string& site : settings.api.sites) {  // including sites that were never polled
            if (!find_site(report.sites, site)) report.sites.emplace_back().site_id = site;
        }
        if (as_json) {
            std::cout << printable_json(boost::json::serialize(report_json(report)) + "\n");
        } else {
            print(report, has_colour(STDOUT_FILENO));
        }
        return 0;
    });
}

int status_check(const std::string& config) {
    constexpr int kUnavailable = 69;
    CheckResult result;
    const int failed = guarded([&] {
        const Settings settings = load_settings(config);
        const StatusReport report = open_sink(settings)->reports().status();
        result = check_status(report, settings.api.sites, settings.sync.poll_every);
        return 0;
    });
    if (failed == kUnavailable) result = check_failed(true, "the database does not answer");
    // Standard error has the details.
    else if (failed != 0)
        result = check_failed(false, "the state cannot be read; see `glia-sync status`");
    std::cout << result.line << "\n";
    return static_cast<int>(result.level);
}

}  // namespace glia::cli
