#include <unistd.h>

#include <cmath>
#include <iostream>

#include "daemon/api/server_clock.hpp"
#include "daemon/base/owner.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/json_values.hpp"
#include "daemon/cli/session.hpp"
#include "daemon/cli/terminal.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

bool is_of_engagements(const SiteStatus& site) {
    return site.stream == name_of(Stream::engagements);
}

/// The sites, by their engagements, or the other streams.
std::string sites_json(const StatusReport& report, bool engagements) {
    std::string out = "[";
    for (const SiteStatus& site : report.sites) {
        if (is_of_engagements(site) != engagements) continue;
        if (out.back() == '}') out += ",";
        out += "{\"site_id\":" + json_quote(site.site_id) +
               ",\"name\":" + (site.name ? json_quote(*site.name) : "null") +
               ",\"stream\":" + json_quote(site.stream) + ",\"synced_through\":" + json(site.synced_through) +
               ",\"lag_seconds\":" + (site.lag_seconds ? std::to_string(*site.lag_seconds) : "null") +
               ",\"last_success_at\":" + json(site.last_success_at) +
               ",\"last_error\":" + json(site.last_error) + ",\"last_error_at\":" + json(site.last_error_at) +
               ",\"next_poll_at\":" + json(site.next_poll_at) + ",\"lease_owner\":" + json(site.lease_owner) +
               ",\"lease_expires_at\":" + json(site.lease_expires_at) +
               ",\"rejected\":" + std::to_string(site.rejected) +
               (engagements ? "" : ",\"refusal\":" + json(site.refusal)) + "}";
    }
    return out + "]";
}

std::string to_json(const StatusReport& report) {
    std::string out = "{\"sites\":" + sites_json(report, true) + ",\"streams\":" + sites_json(report, false);
    out += ",\"detail_queue\":{\"waiting\":" + std::to_string(report.details_waiting) +
           ",\"parked\":" + std::to_string(report.details_parked) +
           "},\"rejected\":" + std::to_string(report.rejected) + ",\"backfills\":[";
    for (const BackfillStatus& backfill : report.backfills) {
        if (out.back() == '}') out += ",";
        out += "{\"from\":" + json(OptionalInstant{backfill.from}) +
               ",\"to\":" + json(OptionalInstant{backfill.to}) +
               ",\"windows_done\":" + std::to_string(backfill.windows_done) +
               ",\"windows_total\":" + std::to_string(backfill.windows_total) +
               ",\"engagements\":" + std::to_string(backfill.engagements) + ",\"seconds_left\":" +
               (backfill.seconds_left ? std::to_string(std::llround(*backfill.seconds_left)) : "null") + "}";
    }
    out += "],\"enrichers\":[";
    for (const EnricherStatus& enricher : report.enrichers) {
        if (out.back() == '}') out += ",";
        out += "{\"kind\":" + json_quote(enricher.kind) + ",\"waiting\":" + std::to_string(enricher.waiting) +
               ",\"failing\":" + std::to_string(enricher.failing) +
               ",\"last_success_at\":" + json(enricher.last_success_at) +
               ",\"last_error\":" + json(enricher.last_error) +
               ",\"last_error_at\":" + json(enricher.last_error_at) + "}";
    }
    out += "],\"clocks\":[";
    for (const ClockStatus& clock : report.clocks) {
        if (out.back() == '}') out += ",";
        out += "{\"machine\":" + json_quote(clock.machine) +
               ",\"api_ahead_seconds\":" + std::to_string(clock.ahead_seconds) +
               ",\"found_at\":" + json(clock.found_at) + "}";
    }
    out += "],\"undocumented_members\":[";
    for (const UndocumentedStatus& member : report.undocumented) {
        if (out.back() == '}') out += ",";
        out += "{\"path\":" + json_quote(member.path) + ",\"kind\":" + json_quote(member.kind) +
               ",\"first_seen_at\":" + json(OptionalInstant{member.first_seen_at}) +
               ",\"last_seen_at\":" + json(OptionalInstant{member.last_seen_at}) +
               ",\"times_seen\":" + std::to_string(member.times_seen) + "}";
    }
    return out + "],\"schema_version\":" + std::to_string(report.schema_version) + "}\n";
}

std::string show(const OptionalInstant& time) {
    return time ? second_of(*time) : "never";
}

/// A site by its name and id, and which of its streams unless it is the engagements.
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

void print_undocumented(const StatusReport& report, bool colour) {
    if (report.undocumented.empty()) return;
    std::cout << "undocumented      " << with_commas(static_cast<std::int64_t>(report.undocumented.size()))
              << " members are not as documented; see the table undocumented_members\n";
    for (const UndocumentedStatus& member : report.undocumented) {
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
        std::cout << "backfill          " << show(backfill.from) << " to " << show(backfill.to) << ": "
                  << with_commas(backfill.windows_done) << " of " << with_commas(backfill.windows_total)
                  << " windows, " << with_commas(backfill.engagements) << " engagements"
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
    print_undocumented(report, colour);
    std::cout << "schema version    " << report.schema_version << "\n";
}

}  // namespace

int status(const std::string& config, bool as_json) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        const auto sink = open_sink(settings);
        StatusReport report = sink->reports().status();
        for (const std::string& site : settings.api.sites) {  // also those that nobody has polled yet
            if (!find_site(report.sites, site)) report.sites.emplace_back().site_id = site;
        }
        if (as_json) {
            std::cout << printable_json(to_json(report));
        } else {
            print(report, has_colour(STDOUT_FILENO));
        }
        return 0;
    });
}

}  // namespace glia::cli
