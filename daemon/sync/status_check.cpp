#include "daemon/sync/status_check.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/api/server_clock.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"

namespace glia {
namespace {

// The thresholds of the alert GliaSyncSiteLagging.
constexpr double kLagPolls = 5, kLagAtLeast = 900;
// A lag of this multiple of the warning's threshold is critical.
constexpr double kCritical = 4;
// The threshold of the alert GliaSyncDetailsParked.
constexpr std::int64_t kParked = 10;
// Maximum problems in the line: a pager shows no more.
constexpr std::size_t kMostProblems = 5;

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '|', '/');
    return printable(text);
}

class Check {
  public:
    explicit Check(std::chrono::duration<double> poll_every)
        : warning_(std::max(kLagPolls * poll_every.count(), kLagAtLeast)), critical_(kCritical * warning_) {}

    void add_site(const std::string& id, const SiteStatus* site) {
        const std::string label = "site " + (site && site->name ? *site->name : id);
        const double lag = site ? site->lag_seconds.value_or(0) : 0;
        lag_ = std::max(lag_, lag);
        if (!site || !site->last_success_at) {
            const bool fails = site && is_failing(*site);
            if (fails) add(CheckLevel::critical, label + " has never been read and fails");
            // No warning while the first pass runs: it may take days.
            if (!fails && !(site && site->lease_owner)) add(CheckLevel::warning, label + " is not read yet");
            failing_ += fails ? 1 : 0;
            return;
        }
        if (lag > warning_)
            add(lag > critical_ ? CheckLevel::critical : CheckLevel::warning,
                label + " is " + short_duration(Seconds{std::llround(lag)}) + " behind");
        if (is_failing(*site)) {
            ++failing_;
            add(CheckLevel::warning, label + " failed at its last pass");
        }
        missing_ += site->missing;
        if (site->volume && site->volume->is_low())
            add(CheckLevel::warning, label + " has " + with_commas(site->volume->seen) + " engagements in " +
                                         std::to_string(site->volume->hours) + " hours, usually " +
                                         with_commas(std::llround(site->volume->expected)));
    }

    void add_work(const StatusReport& report) {
        if (report.rejected > 0)
            add(CheckLevel::warning, with_commas(report.rejected) + " records are rejected");
        if (report.details_parked > kParked)
            add(CheckLevel::warning,
                "legs of " + with_commas(report.details_parked) + " engagements cannot be fetched");
        for (const EnricherStatus& enricher : report.enrichers) {
            if (is_failing(enricher)) add(CheckLevel::warning, enricher.kind + "s cannot be fetched");
        }
        for (const ClockStatus& clock : report.clocks) {
            if (std::abs(clock.ahead_seconds) <= kClockTolerance.count()) continue;
            add(CheckLevel::warning,
                "a clock is wrong by " +
                    short_duration(Seconds{std::llround(std::abs(clock.ahead_seconds))}));
            break;
        }
    }

    CheckResult result(const StatusReport& report, std::size_t sites) const {
        static constexpr const char* kNames[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
        std::string line = std::string("GLIA-SYNC ") + kNames[static_cast<int>(level_)] + ": ";
        if (problems_.empty())
            line += std::to_string(sites) + (sites == 1 ? " site" : " sites") + " in order";
        std::size_t shown = 0;
        for (const CheckLevel level : {CheckLevel::critical, CheckLevel::warning}) {
            for (const auto& [problem_level, problem] : problems_) {
                if (problem_level != level || shown++ >= kMostProblems) continue;
                line += (shown > 1 ? "; " : "") + one_line(problem);
            }
        }
        if (shown > kMostProblems) line += "; and " + std::to_string(shown - kMostProblems) + " more";
        const auto rounded = [](double value) { return std::to_string(std::llround(value)); };
        line += " | lag=" + rounded(lag_) + "s;" + rounded(warning_) + ";" + rounded(critical_) + ";0" +
                " sites_failing=" + std::to_string(failing_) + ";0;;0;" + std::to_string(sites) +
                " rejected=" + std::to_string(report.rejected) + ";0;;0" +
                " details_waiting=" + std::to_string(report.details_waiting) + ";;;0" +
                " details_parked=" + std::to_string(report.details_parked) + ";" + std::to_string(kParked) +
                ";;0 missing=" + std::to_string(missing_) + ";;;0";
        return {level_, line};
    }

  private:
    void add(CheckLevel level, std::string problem) {
        level_ = std::max(level_, level);
        problems_.emplace_back(level, std::move(problem));
    }

    double warning_, critical_;
    CheckLevel level_ = CheckLevel::ok;
    std::vector<std::pair<CheckLevel, std::string>> problems_;
    double lag_ = 0;
    std::int64_t failing_ = 0, missing_ = 0;
};

}  // namespace

CheckResult check_status(const StatusReport& report, const std::vector<std::string>& sites,
                         std::chrono::duration<double> poll_every) {
    Check check(poll_every);
    for (const std::string& site : sites) check.add_site(site, find_site(report.sites, site));
    check.add_work(report);
    return check.result(report, sites.size());
}

CheckResult check_failed(bool database_is_away, const std::string& why) {
    const CheckLevel level = database_is_away ? CheckLevel::critical : CheckLevel::unknown;
    return {level,
            std::string("GLIA-SYNC ") + (database_is_away ? "CRITICAL" : "UNKNOWN") + ": " + one_line(why)};
}

}  // namespace glia
