#include "daemon/sync/backfill.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "daemon/cli/backfill_dry_run.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/cli/time_range.hpp"
#include "daemon/sync/backfill_estimate.hpp"
#include "daemon/sync/queue_backfill.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

constexpr std::chrono::seconds kLineEvery{10};
// Maximum windows of one backfill, over all sites. One statement creates them, within its time limit.
constexpr std::int64_t kMostWindows = 1'000'000;

/// Shows the progress: a bar on a terminal, otherwise lines.
class Display {
  public:
    explicit Display(bool terminal) : terminal_(terminal) {}

    void show(const ProgressInput& input) {
        if (terminal_) {
            std::cerr << '\r' << progress_line(input, true, width()) << "\033[K" << std::flush;
            drawn_ = true;
        } else if (input.elapsed >= next_) {
            std::cerr << "backfill: " << progress_line(input, false, 500) << std::endl;
            next_ = input.elapsed + kLineEvery;
        }
    }

    void end() {
        if (drawn_) std::cerr << '\n';
    }

  private:
    static std::size_t width() {
        winsize size{};
        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 79;
        return static_cast<std::size_t>(size.ws_col) - 1;
    }

    bool terminal_;
    bool drawn_ = false;
    std::chrono::milliseconds next_ = kLineEvery;
};

/// Converts the options to a request. Prints an error and returns none if they are invalid.
std::optional<BackfillRequest> read_options(const BackfillOptions& options) {
    const auto refuse = [](const std::string& line) {
        complain(line);
        return std::nullopt;
    };
    BackfillRequest request;
    const auto range = read_range(options.from, options.to, "load");
    if (!range) return std::nullopt;
    request.spec.from = range->from;
    request.spec.to_is_open = range->to_is_open;
    request.spec.to = range->to;
    const auto window = parse_duration(options.window);
    if (!window || *window < std::chrono::minutes{1}) {
        return refuse("--window: " + options.window +
                      " is not a duration of a minute or more; write it like 12h or 1d");
    }
    request.spec.window = std::chrono::duration_cast<Seconds>(*window);
    request.spec.restart = options.restart;
    if (options.dry_run && !options.only.empty() && options.only != "engagements") {
        return refuse("--dry-run cannot estimate --only " + options.only +
                      "; leave out one of the two options");
    }
    request.concurrency = options.concurrency;
    return request;
}

std::string span(Instant from, Instant to) {
    return to_iso8601(from) + " to " + to_iso8601(to);
}

/// The kind of work that --only names, if it is fetched for stored engagements.
std::optional<WorkKind> queued_kind(const std::string& only) {
    for (const WorkKind kind : {WorkKind::detail, WorkKind::transcript, WorkKind::recording}) {
        if (only == plural_of(kind)) return kind;
    }
    return std::nullopt;
}

/// Returns 0 if the configuration allows what --only names. Otherwise prints an error and returns the exit
/// code.
int refuse_only(const std::string& only, const Settings& settings) {
    if ((only == "statistics" || queued_kind(only)) && settings.sink != SinkType::postgres) {
        complain("--only " + only + ": only the sink postgres stores " +
                 (only == "statistics" ? "statistics" : "the engagements that they are fetched for") +
                 " (sink.type)");
        return kUsage;
    }
    const bool is_off = (only == "transcripts" && !settings.enrich.transcripts) ||
                        (only == "recordings" && !settings.enrich.recordings);
    if (!is_off) return 0;
    complain("--only " + only + ": they are not enabled; set enrich." + only + ".enabled");
    return exit_code(ExitReason::misconfigured);
}

/// Describes what was loaded, for the last line of output.
std::string loaded(const ProgressInput& input, Stream stream, bool with_legs) {
    const std::string counted = with_commas(input.engagements);
    if (stream == Stream::statistics) return counted + " statistics responses";
    if (!with_legs) return counted + " engagements listed; the service fetches their legs";
    return counted + " engagements listed, legs of " + with_commas(input.details_fetched) + " fetched";
}

std::string rejected_records(std::int64_t count) {
    return std::to_string(count) + " records were rejected; see `glia-sync rejects list`";
}

void complain_of(const ExitStatus& outcome) {
    if (outcome.reason == ExitReason::done) return;
    complain(outcome.error +
             (outcome.reason == ExitReason::rejected ? "" : "; run the same command again to continue"));
}

Task<ExitStatus> load_stream(Instance& instance, BackfillRequest request, bool strict, bool terminal) {
    Display display(terminal);
    const Stream stream = request.spec.stream;
    const bool with_legs = request.with_legs;
    const std::string what = stream == Stream::statistics ? "statistics of " : "";
    BackfillObserver observer;
    observer.started = [&](const BackfillState& state) {
        if (state.already_complete) return;
        std::cerr << "backfill: " << (state.resumed ? "going on with " : "loading ") << what
                  << span(state.from, state.to) << std::endl;
    };
    observer.progress = [&](const ProgressInput& input) { display.show(input); };
    std::ostream& words = writes_to_stdout(instance.settings) ? std::cerr : std::cout;
    BackfillResult result = co_await run_backfill(instance, std::move(request), std::move(observer));
    display.end();
    if (result.already_complete) {
        words << "backfill: " << what << (stream == Stream::statistics ? "this range were" : "this range was")
              << " loaded completely before; --restart loads it again" << std::endl;
        co_return ExitStatus{};
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(result.progress.elapsed);
    if (strict && result.rejected > 0) {
        result.outcome.merge({ExitReason::rejected, rejected_records(result.rejected)});
    }
    const bool all = result.outcome.reason <= ExitReason::rejected;
    words << "backfill: " << (all ? "done" : "not finished") << ": "
          << with_commas(result.progress.windows_done) << " of " << with_commas(result.progress.windows_total)
          << " windows, " << loaded(result.progress, stream, with_legs) << ", "
          << with_commas(result.rejected) << " records rejected, " << short_duration(seconds) << std::endl;
    complain_of(result.outcome);
    co_return result.outcome;
}

Task<int> load_queued(Instance& instance, WorkKind kind, BackfillRequest request, bool strict,
                      bool terminal) {
    const BackfillSpec& spec = request.spec;
    const std::string what = plural_of(kind);
    std::cerr << "backfill: loading " << what << " of " << span(spec.from, spec.to) << std::endl;
    Display display(terminal);
    QueueBackfillRequest wanted{kind, spec.from, spec.to, spec.sites, spec.restart};
    const QueueBackfillObserver observer = [&](const ProgressInput& input) { display.show(input); };
    QueueBackfillResult result = co_await run_queue_backfill(instance, std::move(wanted), observer);
    display.end();
    if (strict && result.rejected > 0)
        result.outcome.merge({ExitReason::rejected, rejected_records(result.rejected)});
    if (result.outcome.reason == ExitReason::done && result.requested + result.fetched == 0) {
        std::cout << "backfill: no " << what
                  << " of this range are left to fetch; --restart fetches them again" << std::endl;
        co_return 0;
    }
    const bool all = result.outcome.reason <= ExitReason::rejected;
    std::cout << "backfill: " << (all ? "done" : "not finished") << ": " << with_commas(result.requested)
              << " " << what << " enqueued, " << with_commas(result.fetched) << " fetched, "
              << with_commas(result.rejected) << " records rejected, "
              << short_duration(std::chrono::ceil<std::chrono::seconds>(result.elapsed)) << std::endl;
    complain_of(result.outcome);
    co_return exit_code(result.outcome.reason);
}

/// Loads what --only names. Without --only: engagements, then statistics if they are enabled. Returns the
/// exit code of the most severe failure.
Task<int> load_streams(Instance& instance, BackfillRequest request, const BackfillOptions& options,
                       bool terminal) {
    if (const auto kind = queued_kind(options.only))
        co_return co_await load_queued(instance, *kind, request, options.strict, terminal);
    ExitStatus outcome;
    const bool all = options.only.empty();
    if (all || options.only == "engagements") {
        request.with_legs = all;
        outcome = co_await load_stream(instance, request, options.strict, terminal);
    }
    if (options.only == "statistics" || (all && instance.settings.statistics.enabled)) {
        request.spec.stream = Stream::statistics;
        if (!instance.scope.cancelled())
            outcome.merge(co_await load_stream(instance, request, options.strict, terminal));
    }
    co_return exit_code(outcome.reason);
}

}  // namespace

int backfill(const std::string& config, const BackfillOptions& options) {
    auto request = read_options(options);
    if (!request) return kUsage;
    if (options.dry_run) return backfill_dry_run(config, *request, options.sites, options.only.empty());
    const bool terminal = isatty(STDERR_FILENO) != 0;
    int refused = 0;  // the exit code
    const auto adjust = [&](Settings& settings) {
        auto chosen = chosen_sites(settings, options.sites);
        if (!chosen) {
            refused = kUsage;
            return;
        }
        auto& sites = request->spec.sites;
        sites = std::move(*chosen);
        const BackfillSpec& spec = request->spec;
        const std::int64_t windows =
            windows_of_range(spec.from, spec.to, spec.window) * static_cast<std::int64_t>(sites.size());
        if (windows > kMostWindows && !queued_kind(options.only)) {
            complain("the range has " + with_commas(windows) + " windows of " + options.window +
                     " over all sites, more than " + with_commas(kMostWindows) +
                     "; give a shorter range or a longer --window");
            refused = kUsage;
        }
        if (refused == 0) refused = refuse_only(options.only, settings);
        // Log lines break the progress bar: only warnings and errors are shown.
        if (terminal && settings.log.level == LogLevel::info) settings.log.level = LogLevel::warning;
    };
    const int connections = std::clamp(options.concurrency, 2, 4) + 1;
    return with_instance(
        config, connections,
        [&](Instance& instance) -> Task<int> {
            if (refused != 0) co_return refused;
            co_return co_await load_streams(instance, *request, options, terminal);
        },
        adjust);
}

}  // namespace glia::cli
