#include "daemon/admin/status_json.hpp"

#include <cmath>

#include "daemon/base/json_values.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/version.hpp"

namespace glia {
namespace {

bool is_of_engagements(const SiteStatus& site) {
    return site.stream == name_of(Stream::engagements);
}

boost::json::value volume_json(const std::optional<VolumeStatus>& volume) {
    if (!volume) return nullptr;
    return {{"hours", volume->hours},
            {"expected", std::llround(volume->expected)},
            {"seen", volume->seen},
            {"is_low", volume->is_low()}};
}

/// Returns the entries of the stream `engagements`, one for each site, or those of the other streams.
boost::json::array sites_json(const StatusReport& report, bool engagements) {
    boost::json::array sites;
    for (const SiteStatus& site : report.sites) {
        if (is_of_engagements(site) != engagements) continue;
        boost::json::object members{{"site_id", site.site_id},
                                    {"name", to_json(site.name)},
                                    {"stream", site.stream},
                                    {"synced_through", to_json(site.synced_through)},
                                    {"lag_seconds", to_json(site.lag_seconds)},
                                    {"last_success_at", to_json(site.last_success_at)},
                                    {"last_error", to_json(site.last_error)},
                                    {"last_error_at", to_json(site.last_error_at)},
                                    {"next_poll_at", to_json(site.next_poll_at)},
                                    {"lease_owner", to_json(site.lease_owner)},
                                    {"lease_expires_at", to_json(site.lease_expires_at)},
                                    {"rejected", site.rejected}};
        if (engagements) {
            members["missing"] = site.missing;
            members["verified_through"] = to_json(site.verified_through);
            members["verified_at"] = to_json(site.verified_at);
            members["volume"] = volume_json(site.volume);
        } else {
            members["refusal"] = to_json(site.refusal);
        }
        sites.push_back(std::move(members));
    }
    return sites;
}

}  // namespace

boost::json::object report_json(const StatusReport& report) {
    boost::json::array backfills, enrichers, clocks, undocumented;
    for (const BackfillStatus& backfill : report.backfills) {
        backfills.push_back({{"stream", backfill.stream},
                             {"from", to_json(OptionalInstant{backfill.from})},
                             {"to", to_json(OptionalInstant{backfill.to})},
                             {"windows_done", backfill.windows_done},
                             {"windows_total", backfill.windows_total},
                             {"engagements", backfill.engagements},
                             {"seconds_left", to_json(backfill.seconds_left)}});
    }
    for (const EnricherStatus& enricher : report.enrichers) {
        enrichers.push_back({{"kind", enricher.kind},
                             {"waiting", enricher.waiting},
                             {"failing", enricher.failing},
                             {"last_success_at", to_json(enricher.last_success_at)},
                             {"last_error", to_json(enricher.last_error)},
                             {"last_error_at", to_json(enricher.last_error_at)}});
    }
    for (const ClockStatus& clock : report.clocks) {
        clocks.push_back({{"machine", clock.machine},
                          {"api_ahead_seconds", to_json(std::optional(clock.ahead_seconds))},
                          {"found_at", to_json(clock.found_at)}});
    }
    for (const UndocumentedStatus& member : report.undocumented_members) {
        undocumented.push_back({{"path", member.path},
                                {"kind", member.kind},
                                {"first_seen_at", to_json(OptionalInstant{member.first_seen_at})},
                                {"last_seen_at", to_json(OptionalInstant{member.last_seen_at})},
                                {"times_seen", member.times_seen}});
    }
    return {{"sites", sites_json(report, true)},
            {"streams", sites_json(report, false)},
            {"detail_queue", {{"waiting", report.details_waiting}, {"parked", report.details_parked}}},
            {"rejected", report.rejected},
            {"backfills", std::move(backfills)},
            {"enrichers", std::move(enrichers)},
            {"clocks", std::move(clocks)},
            {"undocumented_members", std::move(undocumented)},
            {"schema_version", report.schema_version}};
}

boost::json::array runs_json(const std::vector<RunStatus>& runs) {
    boost::json::array list;
    for (const RunStatus& run : runs) {
        list.push_back({{"mode", run.mode},
                        {"stream", run.stream},
                        {"site_id", to_json(run.site_id)},
                        {"started_at", to_json(run.started_at)},
                        {"finished_at", to_json(OptionalInstant{run.finished_at})},
                        {"window_from", to_json(run.window_from)},
                        {"window_to", to_json(run.window_to)},
                        {"requests", run.requests},
                        {"pages", run.pages},
                        {"engagements", run.engagements},
                        {"rejected", run.rejected},
                        {"error", to_json(run.error)},
                        {"times", run.times}});
    }
    return list;
}

namespace {

/// Returns the report as the page shows it: the configured sites in their order, with the lag as of now, and
/// error texts as by shown_error().
StatusReport shown_report(const StatusInput& input) {
    StatusReport report = input.gauges.report;
    report.sites.clear();
    for (const std::string& id : input.gauges.sites) {
        const SiteStatus* known = input.gauges.find(id);
        report.sites.push_back(known ? *known : SiteStatus{});
        report.sites.back().site_id = id;
        report.sites.back().lag_seconds = lag_now(input.gauges, report.sites.back());
    }
    for (const SiteStatus& site : input.gauges.report.sites) {
        if (!is_of_engagements(site)) report.sites.push_back(site);
    }
    for (SiteStatus& site : report.sites) {
        site.last_error = shown_error(input, site.last_error);
        site.refusal = shown_error(input, site.refusal);
    }
    for (EnricherStatus& enricher : report.enrichers)
        enricher.last_error = shown_error(input, enricher.last_error);
    return report;
}

boost::json::array days_json(const std::vector<VolumeDay>& days) {
    boost::json::array list;
    for (const VolumeDay& day : days) {
        list.push_back({{"day", date_of(day.day)},
                        {"engagements", day.engagements},
                        {"expected", to_json(day.expected)},
                        {"is_holiday", day.is_holiday}});
    }
    return list;
}

boost::json::value verified_json(const History& history, const std::string& site_id) {
    const auto found = history.newest_verifications.find(site_id);
    if (found == history.newest_verifications.end()) return nullptr;
    const NewestVerification& day = found->second;
    return {{"day", date_of(day.day)},    {"listed", day.listed},
            {"stored", day.stored},       {"missing", day.missing},
            {"different", day.different}, {"gone", day.gone},
            {"repaired", day.repaired},   {"verified_at", to_json(day.verified_at)}};
}

/// Adds a site's values that are not in the report.
void add_history(boost::json::object& site, const StatusInput& input, const std::string& id) {
    site["state"] = name_of(state_of(input.gauges.find(id)));
    boost::json::array hours;
    for (const std::int64_t engagements : value_or_empty(input.history.engagements_by_hour, id))
        hours.push_back(engagements);
    site["engagements_by_hour"] = std::move(hours);
    site["volume_days"] = days_json(value_or_empty(input.volume_days, id));
    site["newest_verification"] = verified_json(input.history, id);
}

boost::json::array shown_runs(const StatusInput& input, std::vector<RunStatus> runs) {
    for (RunStatus& run : runs) run.error = shown_error(input, run.error);
    return runs_json(runs);
}

}  // namespace

std::string status_json(const StatusInput& input) {
    boost::json::object status = report_json(shown_report(input));
    boost::json::array& sites = status["sites"].as_array();
    for (std::size_t i = 0; i < input.gauges.sites.size(); ++i)
        add_history(sites[i].as_object(), input, input.gauges.sites[i]);
    status["version"] = kVersion;
    status["generated_at"] = to_json(OptionalInstant{input.now});
    status["database_up"] = input.gauges.database_up;
    status["state"] = overall_state(input).text;
    status["runs"] = shown_runs(input, newest_runs(input.history));
    status["failed_runs"] = shown_runs(input, failed_runs(input.history));
    return printable_json(boost::json::serialize(status)) + "\n";
}

}  // namespace glia
