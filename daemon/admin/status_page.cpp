#include "daemon/admin/status_page.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/admin/page_assets.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/base/version.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

std::string escape(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

std::string time(const OptionalInstant& at) {
    if (!at) return "<span class=\"dim\">never</span>";
    const std::string iso = to_iso8601(std::chrono::floor<std::chrono::seconds>(*at));
    std::string shown = iso.substr(0, 19);
    shown[10] = ' ';
    return "<time datetime=\"" + iso + "\">" + shown + "</time>";
}

/// A figure that /metrics shows too, as `data-metric` and `data-value` for whoever compares.
std::string marked(const std::string& tag, const std::string& css, const std::string& metric, double value,
                   const std::string& shown) {
    std::string number = std::to_string(value);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    return "<" + tag + " class=\"" + css + "\" data-metric=\"" + escape(metric) + "\" data-value=\"" +
           number + "\">" + shown + "</" + tag + ">";
}

std::string marked_count(const std::string& tag, const std::string& metric, std::int64_t value) {
    return marked(tag, "number", metric, static_cast<double>(value), with_commas(value));
}

double seconds(const OptionalInstant& at) {
    return at ? std::chrono::duration<double>(at->time_since_epoch()).count() : 0;
}

/// A time that /metrics shows too; one that is not known yet is a figure in neither.
std::string marked_time(const std::string& metric, const OptionalInstant& at) {
    return at ? marked("td", "", metric, seconds(at), time(at)) : "<td>" + time(at) + "</td>";
}

/// Bars, one an hour; the title says what a picture cannot.
std::string spark(const std::array<std::int64_t, History::kHours>& hours) {
    constexpr int kStep = 5;
    constexpr int kHeight = 24;
    const std::int64_t most = std::max<std::int64_t>(1, *std::max_element(hours.begin(), hours.end()));
    const int width = static_cast<int>(hours.size()) * kStep;
    std::int64_t all = 0;
    std::string bars;
    for (std::size_t i = 0; i < hours.size(); ++i) {
        all += hours[i];
        const auto height =
            static_cast<int>(std::ceil(static_cast<double>(hours[i]) * kHeight / static_cast<double>(most)));
        bars += "<rect x=\"" + std::to_string(static_cast<int>(i) * kStep) + "\" y=\"" +
                std::to_string(kHeight - height) + "\" width=\"" + std::to_string(kStep - 1) +
                "\" height=\"" + std::to_string(height) + "\"/>";
    }
    const std::string title =
        with_commas(all) + " engagements in 24 hours, " + with_commas(hours.back()) + " in the last";
    return "<svg class=\"spark\" role=\"img\" width=\"" + std::to_string(width) + "\" height=\"" +
           std::to_string(kHeight) + "\" viewBox=\"0 0 " + std::to_string(width) + " " +
           std::to_string(kHeight) + "\"><title>" + title + "</title>" + bars + "</svg>";
}

std::string error_text(const StatusFacts& facts, const OptionalText& error) {
    if (!error) return "";
    return facts.with_errors ? escape(*error) : "an error; its text is shown on the loopback address only";
}

/// When and what, of a site or an enricher.
std::string last_error(const StatusFacts& facts, const auto& status) {
    if (!status.last_error) return "";
    return "<span class=\"dim\">" + time(status.last_error_at) + "</span> " +
           error_text(facts, status.last_error);
}

std::string site_row(const StatusFacts& facts, const std::string& name) {
    const SiteStatus none;
    const SiteStatus* known = facts.gauges.find(name);
    const SiteStatus& site = known ? *known : none;
    const std::string label = "{site=\"" + name + "\",stream=\"" + name_of(Stream::engagements) + "\"}";
    std::string row = "<tr><td>" + (site.name ? escape(*site.name) + " " : std::string()) + "<code>" +
                      escape(name) + "</code></td>";
    if (!known || !site.last_success_at) {
        row += is_failing(site) ? "<td class=\"bad\">failing</td>" : "<td class=\"wait\">first pass</td>";
    } else {
        row += is_failing(site) ? "<td class=\"bad\">failing</td>" : "<td class=\"good\">in order</td>";
    }
    row += marked_time("glia_sync_site_synced_through_timestamp_seconds" + label, site.synced_through);
    if (site.lag_seconds) {
        const double lag = std::max(0.0, *site.lag_seconds + facts.gauges.age.count());
        row += marked("td", "number", "glia_sync_site_lag_seconds" + label, lag,
                      short_duration(std::chrono::seconds{static_cast<std::int64_t>(lag)}));
    } else {
        row += "<td class=\"number dim\">–</td>";
    }
    row += marked("td", "", "glia_sync_site_last_success_timestamp_seconds" + label,
                  seconds(site.last_success_at), time(site.last_success_at));
    const auto hours = facts.history.engagements_by_hour.find(name);
    row +=
        "<td>" +
        spark(hours == facts.history.engagements_by_hour.end() ? decltype(hours->second){} : hours->second) +
        "</td>";
    row += known ? marked_count("td", "glia_sync_site_rejected_records" + label, site.rejected)
                 : "<td class=\"number\">0</td>";
    return row + "<td class=\"text\">" + last_error(facts, site) + "</td></tr>\n";
}

std::string sites(const StatusFacts& facts) {
    std::string out =
        "<section><h2>Sites</h2><table><tr><th>Site<th>State<th>Synced through<th "
        "class=\"number\">Lag<th>Last success"
        "<th>Engagements, 24 h<th class=\"number\">Rejected<th>Last error</tr>\n";
    for (const std::string& name : facts.gauges.sites) out += site_row(facts, name);
    return out + "</table></section>\n";
}

std::string figures(const StatusFacts& facts) {
    const StatusReport& report = facts.gauges.report;
    return "<section><h2>Queues</h2><dl class=\"figures\"><div><dt>Engagements waiting for legs</dt>" +
           marked_count("dd", "glia_sync_detail_queue_depth{state=\"waiting\"}", report.details_waiting) +
           "</div><div><dt>Parked after failures</dt>" +
           marked_count("dd", "glia_sync_detail_queue_depth{state=\"parked\"}", report.details_parked) +
           "</div><div><dt>Rejected records</dt>" +
           marked_count("dd", "glia_sync_rejected_records", report.rejected) + "</div></dl></section>\n";
}

std::string backfills(const StatusFacts& facts) {
    if (facts.gauges.report.backfills.empty()) return "";
    std::string out =
        "<section><h2>Backfills</h2><table><tr><th>Range<th>Progress<th class=\"number\">Windows<th "
        "class=\"number\">Engagements<th class=\"number\">Time left</tr>\n";
    for (const BackfillStatus& backfill : facts.gauges.report.backfills) {
        const std::string total = std::to_string(std::max<std::int64_t>(1, backfill.windows_total));
        out += "<tr><td>" + time(backfill.from) + " to " + time(backfill.to) + "</td><td><progress max=\"" +
               total + "\" value=\"" + std::to_string(backfill.windows_done) +
               "\"></progress></td><td class=\"number\">" + with_commas(backfill.windows_done) + " of " +
               with_commas(backfill.windows_total) + "</td><td class=\"number\">" +
               with_commas(backfill.engagements) + "</td><td class=\"number\">" +
               (backfill.seconds_left
                    ? short_duration(std::chrono::seconds{std::llround(*backfill.seconds_left)})
                    : "–") +
               "</td></tr>\n";
    }
    return out + "</table></section>\n";
}

std::string enrichers(const StatusFacts& facts) {
    if (facts.gauges.report.enrichers.empty()) return "";
    std::string out =
        "<section><h2>Enrichers</h2><table><tr><th>Fetches<th>State<th class=\"number\">Waiting<th "
        "class=\"number\">Failed before<th>Last success<th>Last error</tr>\n";
    for (const EnricherStatus& enricher : facts.gauges.report.enrichers) {
        const std::string label = "{kind=\"" + enricher.kind + "\"}";
        out +=
            "<tr><td>" + escape(enricher.kind) + "</td>" +
            (is_failing(enricher) ? "<td class=\"bad\">failing</td>" : "<td class=\"good\">in order</td>") +
            marked_count("td", "glia_sync_enrichment_queue_depth" + label, enricher.waiting) +
            "<td class=\"number\">" + with_commas(enricher.failing) + "</td>" +
            marked_time("glia_sync_enricher_last_success_timestamp_seconds" + label,
                        enricher.last_success_at) +
            "<td class=\"text\">" + last_error(facts, enricher) + "</td></tr>\n";
    }
    return out + "</table></section>\n";
}

std::string undocumented(const StatusFacts& facts) {
    if (facts.gauges.report.undocumented.empty()) return "";
    std::string out =
        "<section><h2>Beyond the API's documentation</h2><table><tr><th>Member<th>Kind<th "
        "class=\"number\">Times seen<th>First seen<th>Last seen</tr>\n";
    for (const UndocumentedStatus& member : facts.gauges.report.undocumented) {
        out += "<tr><td><code>" + escape(member.path) + "</code></td><td>" + escape(member.kind) +
               (member.is_new ? " <b class=\"wait\">new</b>" : "") + "</td><td class=\"number\">" +
               with_commas(member.times_seen) + "</td><td>" + time(member.first_seen_at) + "</td><td>" +
               time(member.last_seen_at) + "</td></tr>\n";
    }
    return out + "</table></section>\n";
}

std::string mode_of(const RunStatus& run) {
    return run.stream == name_of(Stream::engagements) ? run.mode : run.stream + ", " + run.mode;
}

std::string runs(const StatusFacts& facts) {
    std::string out =
        "<section><h2>Recent runs</h2><table><tr><th>Ended<th>Mode<th>Site<th class=\"number\">Pages<th "
        "class=\"number\">Engagements<th class=\"number\">Rejected<th>Error</tr>\n";
    for (const RunStatus& run : facts.history.runs) {
        out += "<tr><td>" + time(run.finished_at) + "</td><td>" + escape(mode_of(run)) + "</td><td><code>" +
               escape(run.site_id.value_or("")) + "</code></td><td class=\"number\">" +
               with_commas(run.pages) + "</td><td class=\"number\">" + with_commas(run.engagements) +
               "</td><td class=\"number\">" + with_commas(run.rejected) + "</td><td class=\"text bad\">" +
               error_text(facts, run.error) +
               (run.times > 1 ? " (" + with_commas(run.times) + " times in a row)" : "") + "</td></tr>\n";
    }
    return out + "</table></section>\n";
}

std::string state(const StatusFacts& facts) {
    std::string out = "<span id=\"state\">";
    std::size_t failing = 0;
    for (const std::string& name : facts.gauges.sites) {
        const SiteStatus* site = facts.gauges.find(name);
        if (site && is_failing(*site)) ++failing;
    }
    if (!facts.gauges.database_up) {
        out += "<b class=\"bad\">the database does not answer; the figures are from before</b>";
    } else if (failing > 0) {
        out += "<b class=\"bad\">" + std::to_string(failing) + " of " +
               std::to_string(facts.gauges.sites.size()) + " sites failing</b>";
    } else {
        out += "<b class=\"good\">in order</b>";
    }
    return out + " <span class=\"dim\">at " + time(facts.now) + " UTC</span></span>";
}

}  // namespace

std::string status_page(const StatusFacts& facts) {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>glia-sync</title>"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>"
           "<link rel=\"icon\" href=\"data:,\"><style>" +
           std::string(kPageCss) + "</style></head><body>\n<header><h1>glia-sync <span class=\"dim\">" +
           kVersion + "</span></h1>" + state(facts) +
           "<span id=\"stale\" role=\"status\"></span></header>\n<main id=\"main\">\n" + sites(facts) +
           figures(facts) + backfills(facts) + enrichers(facts) + undocumented(facts) + runs(facts) +
           "</main>\n<script>" + kPageJs + "</script></body></html>\n";
}

}  // namespace glia
