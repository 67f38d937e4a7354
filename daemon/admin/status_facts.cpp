#include "daemon/admin/status_facts.hpp"

#include <algorithm>

#include "sinks/timestamp.hpp"

namespace glia {

const char* name_of(SiteState state) {
    switch (state) {
        case SiteState::in_order:
            return "in order";
        case SiteState::first_pass:
            return "first pass";
        case SiteState::failing:
            return "failing";
    }
    return "";
}

SiteState state_of(const SiteStatus* site) {
    if (!site) return SiteState::first_pass;
    if (is_failing(*site)) return SiteState::failing;
    return site->last_success_at ? SiteState::in_order : SiteState::first_pass;
}

OverallState overall_state(const StatusInput& input) {
    if (!input.gauges.database_up)
        return {false, "the database does not answer; the figures are out of date"};
    const auto& sites = input.gauges.sites;
    const auto failing = std::count_if(sites.begin(), sites.end(), [&](const std::string& id) {
        return state_of(input.gauges.find(id)) == SiteState::failing;
    });
    if (failing > 0)
        return {false, std::to_string(failing) + " of " + std::to_string(sites.size()) + " sites failing"};
    return {true, "in order"};
}

std::optional<double> lag_now(const Gauges& gauges, const SiteStatus& site) {
    if (!site.lag_seconds) return std::nullopt;
    return std::max(0.0, *site.lag_seconds + gauges.age.count());
}

OptionalText shown_error(const StatusInput& input, const OptionalText& error) {
    if (!error || input.with_errors) return error;
    return "an error; its text is shown on the loopback address only";
}

SiteNames::SiteNames(const StatusInput& input) {
    for (const SiteStatus& site : input.gauges.report.sites) {
        if (site.name && !site.name->empty() && names_.emplace(site.site_id, *site.name).second)
            ++ids_named_[*site.name];
    }
}

SiteNames::Label SiteNames::of(const std::string& site_id) const {
    const auto known = names_.find(site_id);
    if (known == names_.end()) return {};
    return {known->second, ids_named_.at(known->second) > 1};
}

VolumeTotals total_of(const std::vector<VolumeDay>& days) {
    VolumeTotals totals;
    for (const VolumeDay& day : days) {
        ++totals.days;
        totals.engagements += day.engagements;
        if (!day.expected) continue;
        ++totals.compared_days;
        totals.compared += day.engagements;
        totals.expected += *day.expected;
    }
    return totals;
}

std::vector<RunStatus> newest_runs(const History& history) {
    const auto count = std::min(kRunsShown, history.runs.size());
    return {history.runs.begin(), history.runs.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::vector<RunStatus> failed_runs(const History& history) {
    std::vector<RunStatus> failed;
    for (const RunStatus& run : history.runs) {
        if (run.error && failed.size() < kFailuresShown) failed.push_back(run);
    }
    return failed;
}

std::string date_of(std::int64_t days_since_1970) {
    return to_iso8601(Instant{std::chrono::days{days_since_1970}}).substr(0, 10);
}

}  // namespace glia
