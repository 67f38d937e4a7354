#include "daemon/admin/status_page.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/admin/page_assets.hpp"
#include "daemon/admin/page_charts.hpp"
#include "daemon/admin/page_html.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/base/version.hpp"

namespace glia {
namespace {

using html::Cell;
using html::Table;

/// The site's name with its id as the tooltip, and with the id beside it if several sites have that name.
/// Only the id if the name is unknown.
std::string site_label(const SiteNames& names, const std::string& id) {
    const SiteNames::Label label = names.of(id);
    const std::string code = "<code>" + html::escape(id) + "</code>";
    if (!label.name) return code;
    return "<span title=\"" + html::escape(id) + "\">" + html::escape(*label.name) + "</span>" +
           (label.with_id ? " " + code : "");
}

Cell site_cell(const SiteNames& names, const std::string& id) {
    return {site_label(names, id), "text"};
}

Cell state_cell(SiteState state) {
    switch (state) {
        case SiteState::in_order:
            return html::state(name_of(state), "good");
        case SiteState::first_pass:
            return html::state(name_of(state), "wait");
        case SiteState::failing:
            return html::state(name_of(state), "bad");
    }
    return html::nothing();
}

/// Time and text of the last error. `status`: of a site, a stream or an enricher.
Cell last_error(const StatusInput& input, const auto& status) {
    if (!status.last_error) return {"", "text empty"};
    return {"<span class=\"dim\">" + html::time(status.last_error_at) + "</span> " +
                html::escape(*shown_error(input, status.last_error)),
            "text"};
}

Cell lag_cell(const StatusInput& input, const SiteStatus& site, const std::string& label) {
    const std::optional<double> lag = lag_now(input.gauges, site);
    if (!lag) return html::nothing();
    const Cell shown{short_duration(Seconds{static_cast<std::int64_t>(*lag)}), "number"};
    return html::with_metric(shown, "glia_sync_site_lag_seconds" + label, *lag);
}

Cell rejected_cell(const SiteStatus* known, const std::string& label) {
    return known ? html::count_with_metric("glia_sync_site_rejected_records" + label, known->rejected)
                 : html::count(0);
}

std::string sites(const StatusInput& input, const SiteNames& names) {
    Table table("Progress of each site. The tooltip of a site's name shows its id.", {{"Site"},
                                                                                      {"State"},
                                                                                      {"Synced through"},
                                                                                      {"Lag", "number"},
                                                                                      {"Last success"},
                                                                                      {"Engagements, 24 h"},
                                                                                      {"Rejected", "number"},
                                                                                      {"Last error"}});
    for (const std::string& id : input.gauges.sites) {
        const SiteStatus none;
        const SiteStatus* known = input.gauges.find(id);
        const SiteStatus& site = known ? *known : none;
        const std::string label = "{site=\"" + id + "\",stream=\"" + name_of(Stream::engagements) + "\"}";
        const std::string success = "glia_sync_site_last_success_timestamp_seconds" + label;
        table.add({site_cell(names, id),
                   state_cell(state_of(known)),
                   html::time_with_metric("glia_sync_site_synced_through_timestamp_seconds" + label,
                                          site.synced_through),
                   lag_cell(input, site, label),
                   site.last_success_at ? html::time_with_metric(success, site.last_success_at)
                                        : html::with_metric({html::time({})}, success, 0),
                   {html::hours_chart(value_or_empty(input.history.engagements_by_hour, id))},
                   rejected_cell(known, label),
                   last_error(input, site)});
    }
    return html::section("sites", "Sites", table.text());
}

std::string percentage(double part, double whole) {
    return std::to_string(std::llround(100 * part / whole)) + " %";
}

/// The chart of a site's days as text.
std::string volume_summary(const std::vector<VolumeDay>& days) {
    const VolumeTotals totals = total_of(days);
    if (totals.days == 0) return "nothing is counted yet";
    std::string text = with_commas(totals.engagements) + " engagements";
    if (totals.compared_days == 0) return text + "; not enough history to expect a number";
    const std::string expected = with_commas(std::llround(totals.expected)) + " expected";
    if (totals.compared_days == totals.days) {
        text += ", " + expected;
    } else {
        text += "; " + with_commas(totals.compared) + " on " + std::to_string(totals.compared_days) +
                " of the " + std::to_string(totals.days) + " days, where " + expected;
    }
    return text + (totals.expected > 0
                       ? " (" + percentage(static_cast<double>(totals.compared), totals.expected) + ")"
                       : "");
}

std::string days_table(const std::string& caption, const std::vector<VolumeDay>& days) {
    Table table(caption, {{"Day"}, {"Engagements", "number"}, {"Expected", "number"}});
    for (const VolumeDay& day : days) {
        const Cell expected = day.is_holiday ? Cell{"holiday", "number dim"}
                              : day.expected ? html::count(std::llround(*day.expected))
                                             : html::nothing();
        table.add({{date_of(day.day)}, html::count(day.engagements), expected});
    }
    return table.text();
}

std::string volume_tile(const StatusInput& input, const SiteNames& names, const std::string& id) {
    const std::vector<VolumeDay> days = value_or_empty(input.volume_days, id);
    std::string tile = "<div class=\"tile\"><h3>" + site_label(names, id) + "</h3>" +
                       (days.empty() ? "" : html::days_chart(days)) + "<p>" + volume_summary(days) + "</p>";
    const SiteStatus* site = input.gauges.find(id);
    if (site && site->volume && site->volume->is_low()) {
        tile += "<p class=\"wait\">unusually few: " + with_commas(site->volume->seen) + " in the newest " +
                std::to_string(site->volume->hours) + " hours, usually " +
                with_commas(std::llround(site->volume->expected)) + "</p>";
    }
    if (!days.empty()) {
        const std::string name = names.of(id).name.value_or(id);
        tile += "<details><summary>Day by day<span class=\"hidden\"> at " + html::escape(name) +
                "</span></summary>" + days_table("Engagements of " + name, days) + "</details>";
    }
    return tile + "</div>\n";
}

std::string volume(const StatusInput& input, const SiteNames& names) {
    std::string content =
        "<p class=\"dim\">Bars: engagements created on each day, in the site's time zone. Lines: the number "
        "expected from the same hours of the previous eight weeks. Today includes complete hours "
        "only.</p><div class=\"tiles\">\n";
    for (const std::string& id : input.gauges.sites) content += volume_tile(input, names, id);
    return html::section("volume", "Volume of the last 14 days", content + "</div>\n");
}

std::string definition(const std::string& term, const Cell& figure) {
    return "<div><dt>" + term + "</dt>" + html::element("dd", figure) + "</div>";
}

std::string enrichers(const StatusInput& input) {
    if (input.gauges.report.enrichers.empty()) return "";
    Table table("Enrichers: what is fetched beside engagements and legs", {{"Fetches"},
                                                                           {"State"},
                                                                           {"Waiting", "number"},
                                                                           {"Failed before", "number"},
                                                                           {"Last success"},
                                                                           {"Last error"}});
    for (const EnricherStatus& enricher : input.gauges.report.enrichers) {
        const std::string label = "{kind=\"" + enricher.kind + "\"}";
        table.add({{html::escape(enricher.kind)},
                   state_cell(is_failing(enricher) ? SiteState::failing : SiteState::in_order),
                   html::count_with_metric("glia_sync_enrichment_queue_depth" + label, enricher.waiting),
                   html::count(enricher.failing),
                   html::time_with_metric("glia_sync_enricher_last_success_timestamp_seconds" + label,
                                          enricher.last_success_at),
                   last_error(input, enricher)});
    }
    return table.text();
}

std::string work(const StatusInput& input) {
    const StatusReport& report = input.gauges.report;
    const std::string figures =
        definition("Engagements waiting for legs",
                   html::count_with_metric("glia_sync_detail_queue_depth{state=\"waiting\"}",
                                           report.details_waiting)) +
        definition("Engagements whose legs cannot be fetched",
                   html::count_with_metric("glia_sync_detail_queue_depth{state=\"parked\"}",
                                           report.details_parked)) +
        definition("Rejected records",
                   html::count_with_metric("glia_sync_rejected_records", report.rejected));
    return html::section("work", "Work queues",
                         "<dl class=\"figures\">" + figures + "</dl>\n" + enrichers(input));
}

std::string verification(const StatusInput& input, const SiteNames& names) {
    Table table("What the command verify found when it compared the tables with the source",
                {{"Site"},
                 {"Verified through"},
                 {"Verified at"},
                 {"Newest day compared"},
                 {"Listed", "number"},
                 {"Stored", "number"},
                 {"Differences left", "number"},
                 {"No longer at the source", "number"}});
    for (const std::string& id : input.gauges.sites) {
        const SiteStatus none;
        const SiteStatus* known = input.gauges.find(id);
        const SiteStatus& site = known ? *known : none;
        const auto found = input.history.newest_verifications.find(id);
        const NewestVerification* day =
            found == input.history.newest_verifications.end() ? nullptr : &found->second;
        Cell left = html::nothing();
        if (day) {
            left = html::count(day->open_differences());
            left.css += day->open_differences() > 0 ? " bad" : " good";
        }
        table.add({site_cell(names, id),
                   {html::time(site.verified_through)},
                   {html::time(site.verified_at)},
                   day ? Cell{date_of(day->day)} : html::nothing(),
                   day ? html::count(day->listed) : html::nothing(),
                   day ? html::count(day->stored) : html::nothing(),
                   left,
                   html::count(site.missing)});
    }
    return html::section("verification", "Verification", table.text());
}

std::string streams(const StatusInput& input, const SiteNames& names) {
    Table table("Further data read from each site",
                {{"Site"}, {"Reads"}, {"State"}, {"Last success"}, {"Last error"}});
    bool any = false;
    for (const SiteStatus& site : input.gauges.report.sites) {
        if (site.stream == name_of(Stream::engagements)) continue;
        any = true;
        const bool is_refused = site.refusal && !is_failing(site);
        table.add({site_cell(names, site.site_id),
                   {html::escape(site.stream)},
                   is_refused ? html::state("refused by the API", "wait") : state_cell(state_of(&site)),
                   {html::time(site.last_success_at)},
                   last_error(input, site)});
    }
    return any ? html::section("streams", "Names and statistics", table.text()) : "";
}

std::string backfills(const StatusInput& input) {
    if (input.gauges.report.backfills.empty()) return "";
    Table table("Backfills that are not finished", {{"Range"},
                                                    {"Reads"},
                                                    {"Progress"},
                                                    {"Windows", "number"},
                                                    {"Engagements", "number"},
                                                    {"Time left", "number"}});
    for (const BackfillStatus& backfill : input.gauges.report.backfills) {
        const std::string total = std::to_string(std::max<std::int64_t>(1, backfill.windows_total));
        const Cell bar{"<progress aria-label=\"Windows that are done\" max=\"" + total + "\" value=\"" +
                       std::to_string(backfill.windows_done) + "\"></progress>"};
        const Cell left = backfill.seconds_left
                              ? Cell{short_duration(Seconds{std::llround(*backfill.seconds_left)}), "number"}
                              : html::nothing();
        table.add(
            {{html::time(backfill.from) + " to " + html::time(backfill.to), "text"},
             {html::escape(backfill.stream)},
             bar,
             {with_commas(backfill.windows_done) + " of " + with_commas(backfill.windows_total), "number"},
             html::count(backfill.engagements),
             left});
    }
    return html::section("backfills", "Backfills", table.text());
}

std::string undocumented_members(const StatusInput& input) {
    if (input.gauges.report.undocumented_members.empty()) return "";
    Table table("Response members that are undocumented or of an undocumented type",
                {{"Member"}, {"Kind"}, {"Times seen", "number"}, {"First seen"}, {"Last seen"}});
    for (const UndocumentedStatus& member : input.gauges.report.undocumented_members) {
        table.add({{"<code>" + html::escape(member.path) + "</code>", "text"},
                   {html::escape(member.kind) + (member.is_new ? " <b class=\"wait\">new</b>" : "")},
                   html::count(member.times_seen),
                   {html::time(member.first_seen_at)},
                   {html::time(member.last_seen_at)}});
    }
    return html::section("undocumented", "Beyond the API's documentation", table.text());
}

std::string mode_of(const RunStatus& run) {
    return run.stream == name_of(Stream::engagements) ? run.mode : run.stream + ", " + run.mode;
}

Cell result_of(const StatusInput& input, const RunStatus& run) {
    if (!run.error) return html::state("done", "text good");
    return {html::escape(*shown_error(input, run.error)) +
                (run.times > 1 ? " (" + with_commas(run.times) + " times in a row)" : ""),
            "text bad"};
}

std::string runs(const StatusInput& input, const SiteNames& names, const std::string& caption,
                 const std::vector<RunStatus>& shown) {
    Table table(caption, {{"Ended"},
                          {"Mode"},
                          {"Site"},
                          {"Pages", "number"},
                          {"Engagements", "number"},
                          {"Rejected", "number"},
                          {"Result"}});
    for (const RunStatus& run : shown) {
        table.add({{html::time(run.finished_at)},
                   {html::escape(mode_of(run))},
                   run.site_id ? site_cell(names, *run.site_id) : html::text("all"),
                   html::count(run.pages),
                   html::count(run.engagements),
                   html::count(run.rejected),
                   result_of(input, run)});
    }
    return table.text();
}

std::string failures(const StatusInput& input, const SiteNames& names) {
    const std::string among =
        "the last " + with_commas(static_cast<std::int64_t>(input.history.runs.size())) + " runs";
    const std::vector<RunStatus> failed = failed_runs(input.history);
    return html::section("failures", "Failed runs",
                         failed.empty() ? "<p>None among " + among + ".</p>\n"
                                        : runs(input, names, "The newest failures among " + among, failed));
}

/// The overall state. Screen readers announce its changes, but not those of the time beside it.
std::string state(const StatusInput& input) {
    const OverallState overall = overall_state(input);
    return "<p id=\"state\"><b role=\"status\" class=\"" + std::string(overall.in_order ? "good" : "bad") +
           "\">" + overall.text + "</b> <span class=\"dim\">at " + html::time(input.now) + " UTC</span></p>";
}

}  // namespace

std::string status_page(const StatusInput& input) {
    const SiteNames names(input);
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>glia-sync</title>"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>"
           "<link rel=\"icon\" href=\"data:,\"><style>" +
           std::string(kPageCss) + "</style></head><body>\n<header><h1>glia-sync <span class=\"dim\">" +
           kVersion + "</span></h1>" + state(input) +
           "<p id=\"stale\" role=\"status\"></p></header>\n<main id=\"main\">\n" + sites(input, names) +
           volume(input, names) + work(input) + verification(input, names) + backfills(input) +
           failures(input, names) +
           html::section(
               "runs", "Recent runs",
               runs(input, names, "The newest runs, sorted by when they ended", newest_runs(input.history))) +
           streams(input, names) + undocumented_members(input) +
           "</main>\n<footer><p class=\"dim\">Times are UTC. The same as "
           "<a href=\"/status.json\">JSON</a>; for Prometheus: <a "
           "href=\"/metrics\">metrics</a>.</p></footer>\n"
           "<script>" +
           kPageJs + "</script></body></html>\n";
}

}  // namespace glia
