// The command `verify`: compares the tables with the source.
#include "daemon/sync/verify.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/cli/time_range.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

// Interval of progress lines if stderr is not a terminal.
constexpr Seconds kProgressInterval{10};
// Maximum days per run. Bounds memory, and is longer than any contact centre has existed.
constexpr std::chrono::days kMostDays{40'000};

/// Parses `5%`, `0.5%` or a fraction such as `0.05`. Returns none unless it is between 0 and 1.
std::optional<double> parse_share(std::string text) {
    const bool percent = !text.empty() && text.back() == '%';
    if (percent) text.pop_back();
    double share = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (percent) share /= 100;
    return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

/// Names of sites, by id.
using SiteLabels = std::map<std::string, std::string>;

std::string label_of(const SiteLabels& labels, const std::string& site) {
    const auto known = labels.find(site);
    return printable(known == labels.end() ? site : known->second + " " + site);
}

std::vector<Table::Cell> row_of(const std::string& site, const std::string& day, const DayCounts& counts) {
    const auto number = [](std::int64_t value, Paint paint) {
        return Table::Cell{with_commas(value), value > 0 ? paint : Paint::plain, true};
    };
    return {{site},
            {day},
            number(counts.listed, Paint::plain),
            number(counts.stored, Paint::plain),
            number(counts.missing, Paint::bad),
            number(counts.different, Paint::bad),
            number(counts.gone, Paint::warn),
            number(counts.repaired, Paint::good),
            number(counts.legs_read, Paint::dim)};
}

std::string table_of(const Verification& done, const SiteLabels& labels, bool colour) {
    Table table({"site", "day", "listed", "stored", "missing", "different", "gone", "repaired", "legs read"});
    std::map<std::string, std::map<Instant, DayCounts>> by_site;
    for (const auto& [key, counts] : done.results()) by_site[key.second][key.first] = counts;
    DayCounts all;
    for (const auto& [site, days] : by_site) {
        DayCounts total;
        for (const auto& [day, counts] : days) {
            table.add(row_of(label_of(labels, site), to_iso8601(day).substr(0, 10), counts));
            total += counts;
        }
        table.add(row_of(label_of(labels, site), "all days", total));
        all += total;
    }
    if (by_site.size() > 1) table.add(row_of("all sites", "all days", all));
    return table.text(colour);
}

boost::json::object to_json(const Difference& difference) {
    return {{"engagement_id", difference.engagement_id},
            {"site_id", difference.site_id},
            {"kind", name_of(difference.kind)}};
}

std::string to_json(const Verification& done, const std::vector<std::string>& sites) {
    std::map<std::string, DayCounts> totals;
    for (const std::string& site : sites) totals[site];
    for (const auto& [key, counts] : done.results()) totals[key.second] += counts;
    boost::json::array listed, differences;
    for (const auto& [site, counts] : totals) {
        listed.push_back({{"site_id", site},
                          {"listed", counts.listed},
                          {"stored", counts.stored},
                          {"missing", counts.missing},
                          {"different", counts.different},
                          {"gone", counts.gone},
                          {"repaired", counts.repaired}});
    }
    for (const Difference& difference : done.differences()) differences.push_back(to_json(difference));
    return boost::json::serialize(
        boost::json::object{{"sites", std::move(listed)}, {"differences", std::move(differences)}});
}

/// The file of --differences, with one line of JSON for each difference. The constructor creates it, so that
/// an unwritable path is reported before the verification. Does nothing if the path is empty.
class DifferencesFile {
  public:
    explicit DifferencesFile(const std::string& path) : path_(path) {
        if (!path.empty()) file_.open(path, std::ios::trunc);
    }
    bool is_open() const { return path_.empty() || file_.is_open(); }
    /// Writes and closes the file. Returns false if a write failed.
    bool write(const std::vector<Difference>& differences) {
        if (path_.empty()) return true;
        for (const Difference& difference : differences)
            file_ << printable_json(boost::json::serialize(to_json(difference)) + "\n");
        file_.close();
        return !file_.fail();
    }

  private:
    std::string path_;
    std::ofstream file_;
};

/// Prints the progress on stderr: a line every ten seconds, or on a terminal one line that is overwritten.
class VerificationDisplay {
  public:
    void show(const Verification& machine) {
        const auto elapsed = std::chrono::duration_cast<Seconds>(std::chrono::steady_clock::now() - began_);
        if (!terminal_ && elapsed < next_) return;
        next_ = elapsed + kProgressInterval;
        std::cerr << (terminal_ ? "\r" : "")
                  << "verify: " << with_commas(static_cast<std::int64_t>(machine.days_done())) << " of "
                  << with_commas(static_cast<std::int64_t>(machine.days())) << " days, "
                  << with_commas(machine.compared()) << " engagements compared, "
                  << with_commas(static_cast<std::int64_t>(machine.differences().size())) << " differences, "
                  << short_duration(elapsed) << (terminal_ ? "\033[K" : "\n") << std::flush;
        drawn_ = terminal_;
    }
    void end() const {
        if (drawn_) std::cerr << '\n';
    }

  private:
    const bool terminal_ = isatty(STDERR_FILENO) != 0;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    Seconds next_ = kProgressInterval;
    bool drawn_ = false;
};

/// Sets the recheck delay of each site in `spec`, and returns the sites' names.
Task<SiteLabels> load_sites(Instance& instance, VerificationSpec& spec) {
    const auto ask = [](Sink& sink) { return sink.reports().status(); };
    const StatusReport report = co_await instance.sink_pool.run(ask);
    SiteLabels labels;
    const Instant now = instance.api.machine_now();
    for (const std::string& id : spec.sites) {
        const SiteStatus* site = find_site(report.sites, id);
        spec.recheck_delays[id] = recheck_delay(site, instance.settings.sync.poll_every, now);
        if (site && site->name) labels[id] = *site->name;
    }
    co_return labels;
}

/// Complains about implausible days, and returns the outcome: `rejected` if differences were not repaired.
ExitStatus conclude(const Verification& done) {
    ExitStatus outcome = done.outcome();
    for (const auto& [day, site] : done.implausible()) {
        complain(
            "site " + site + ", " + to_iso8601(day).substr(0, 10) +
            ": more engagements are gone than is plausible, so none is marked as missing; check whether the "
            "listing is incomplete, or whether the API answers 404 for engagements that exist");
    }
    const auto left = std::count_if(done.differences().begin(), done.differences().end(),
                                    [](const Difference& difference) { return !difference.repaired; });
    if (left > 0) {
        outcome.merge({ExitReason::rejected, with_commas(left) +
                                                 " differences between the tables and the source were not "
                                                 "repaired; --repair loads and marks them"});
    }
    return outcome;
}

Task<int> verify_and_report(Instance& instance, VerificationSpec spec, VerifyOptions options) {
    DifferencesFile file(options.differences);
    if (!file.is_open()) {
        complain("--differences: " + options.differences + " cannot be written");
        co_return kUsage;
    }
    const SiteLabels labels = co_await load_sites(instance, spec);
    const std::vector<std::string> sites = spec.sites;
    VerificationDisplay display;
    const VerificationObserver observer = [&display](const Verification& machine) { display.show(machine); };
    const Verification done = co_await run_verification(instance, std::move(spec), observer);
    display.end();
    if (options.json) {
        std::cout << printable_json(to_json(done, sites) + "\n");
    } else {
        std::cout << table_of(done, labels, has_colour(STDOUT_FILENO));
    }
    ExitStatus outcome = conclude(done);
    if (instance.scope.cancelled())
        outcome.merge({ExitReason::stopped, "stopped before everything was compared"});
    if (outcome.reason != ExitReason::done) complain(outcome.error);
    if (file.write(done.differences())) co_return exit_code(outcome.reason);
    complain("--differences: not all of " + options.differences + " could be written");
    co_return outcome.reason == ExitReason::done ? kOutputLost : exit_code(outcome.reason);
}

/// Converts a duration such as `35d` to the start of the UTC day that long ago. Returns other text unchanged.
std::string start_of(const std::string& from) {
    const auto ago = parse_duration(from);
    if (!ago) return from;
    const auto start = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now() - *ago);
    return to_iso8601(std::chrono::time_point_cast<std::chrono::microseconds>(start));
}

/// Converts the command's options. Returns none, after a complaint, if one is invalid.
std::optional<VerificationSpec> read_options(const VerifyOptions& options) {
    const auto range = read_range(start_of(options.from), options.to, "verify");
    if (!range) return std::nullopt;
    const auto share = parse_share(options.legs);
    if (!share) {
        complain("--legs: " + options.legs + " is not a share; write it like 5% or 100%");
        return std::nullopt;
    }
    if (range->to - range->from > kMostDays) {
        complain("the range is longer than " + with_commas(kMostDays.count()) + " days; give a shorter one");
        return std::nullopt;
    }
    VerificationSpec spec;
    spec.from = range->from;
    spec.to = range->to;
    spec.legs_share = *share;
    spec.repair = options.repair;
    return spec;
}

}  // namespace

int verify(const std::string& config, const VerifyOptions& options) {
    auto spec = read_options(options);
    if (!spec) return kUsage;
    int refused = 0;
    const auto adjust = [&](Settings& settings) {
        if (settings.sink != SinkType::postgres) {
            complain("verify needs sink.type: postgres; it cannot compare files with the source");
            refused = exit_code(ExitReason::misconfigured);
            return;
        }
        auto chosen = chosen_sites(settings, options.sites);
        if (!chosen) {
            refused = kUsage;
            return;
        }
        spec->sites = std::move(*chosen);
        spec->max_gets = settings.api.max_in_flight;
        spec->lists_all = settings.api.operator_ids.empty();
        if (settings.log.level == LogLevel::info) settings.log.level = LogLevel::warning;
    };
    // At most two are in use for comparing GET responses; the others compare pages, scan, repair and record.
    static constexpr int kConnections = 5;
    return with_instance(
        config, kConnections,
        [&](Instance& instance) -> Task<int> {
            if (refused != 0) co_return refused;
            std::optional<SinkError> failure;
            int code = 0;
            try {
                code = co_await verify_and_report(instance, *spec, options);
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (!failure) co_return code;
            complain(failure->what());
            co_return exit_code(instance.exit_status_of(*failure).reason);
        },
        adjust);
}

}  // namespace glia::cli
