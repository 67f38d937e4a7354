#include "daemon/sync/backfill.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/session.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

constexpr int kUsage = 64;
constexpr std::chrono::seconds kLineEvery{10};
// Windows of one backfill, over all sites. So many are made in one statement within its time limit.
constexpr std::int64_t kMostWindows = 1'000'000;

/// The bar, or the lines.
class Display {
  public:
    explicit Display(bool terminal) : terminal_(terminal) {}

    void show(const ProgressFacts& facts) {
        if (terminal_) {
            std::cerr << '\r' << progress_line(facts, true, width()) << "\033[K" << std::flush;
            drawn_ = true;
        } else if (facts.elapsed >= next_) {
            std::cerr << "backfill: " << progress_line(facts, false, 500) << std::endl;
            next_ = facts.elapsed + kLineEvery;
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

/// The command's words as a request; none, with a complaint, if they make no sense.
std::optional<BackfillRequest> read_options(const BackfillOptions& options) {
    const auto refuse = [](const std::string& line) {
        complain(line);
        return std::nullopt;
    };
    BackfillRequest request;
    const auto from = parse_timestamp(options.from);
    if (!from)
        return refuse("--from: " + options.from +
                      " is not a time; write it like 2024-01-01 or 2024-01-01T00:00:00Z");
    if (*from < kEarliestStart)
        return refuse("--from: " + options.from + " is before " + to_iso8601(kEarliestStart) +
                      ", and nothing is older than that; write --from 1970-01-01 to load everything");
    request.spec.from = *from;
    request.spec.to_is_open = options.to.empty();
    request.spec.to = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    if (!options.to.empty()) {
        const auto to = parse_timestamp(options.to);
        if (!to)
            return refuse("--to: " + options.to +
                          " is not a time; write it like 2024-02-01 or 2024-02-01T00:00:00Z");
        request.spec.to = *to;
    }
    if (request.spec.to <= request.spec.from) {
        return refuse(options.to.empty() ? "--from lies in the future; there is nothing to load"
                                         : "--to must be later than --from");
    }
    const auto window = parse_duration(options.window);
    if (!window || *window < std::chrono::minutes{1}) {
        return refuse("--window: " + options.window +
                      " is not a duration of a minute or more; write it like 12h or 1d");
    }
    request.spec.window = std::chrono::duration_cast<Seconds>(*window);
    request.spec.restart = options.restart;
    request.concurrency = options.concurrency;
    return request;
}

std::string span(const BackfillState& state) {
    return to_iso8601(state.from) + " to " + to_iso8601(state.to);
}

Task<int> perform_backfill(Engine& engine, BackfillRequest request, bool strict, bool terminal) {
    Display display(terminal);
    BackfillObserver observer;
    observer.started = [](const BackfillState& state) {
        if (state.already_complete) return;
        std::cerr << "backfill: " << (state.resumed ? "going on with " : "loading ") << span(state)
                  << std::endl;
    };
    observer.progress = [&](const ProgressFacts& facts) { display.show(facts); };
    std::ostream& words = writes_to_stdout(engine.settings) ? std::cerr : std::cout;
    BackfillResult result = co_await run_backfill(engine, std::move(request), std::move(observer));
    display.end();
    if (result.already_complete) {
        words << "backfill: this range was loaded completely before; --restart loads it again" << std::endl;
        co_return 0;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(result.facts.elapsed);
    if (strict && result.rejected > 0) {
        result.outcome.merge({Ending::rejected, std::to_string(result.rejected) +
                                                    " records were rejected; see `glia-sync rejects list`"});
    }
    const bool all = result.outcome.ending <= Ending::rejected;
    words << "backfill: " << (all ? "done" : "not finished") << ": " << with_commas(result.facts.windows_done)
          << " of " << with_commas(result.facts.windows_total) << " windows, "
          << with_commas(result.facts.engagements) << " engagements listed, legs of "
          << with_commas(result.facts.details_fetched) << " fetched, " << with_commas(result.rejected)
          << " records rejected, " << short_duration(seconds) << std::endl;
    if (result.outcome.ending != Ending::done) {
        complain(result.outcome.error +
                 (result.outcome.ending == Ending::rejected ? "" : "; run the same command again to go on"));
    }
    co_return exit_code(result.outcome.ending);
}

}  // namespace

int backfill(const std::string& config, const BackfillOptions& options) {
    auto request = read_options(options);
    if (!request) return kUsage;
    const bool terminal = isatty(STDERR_FILENO) != 0;
    bool refused = false;
    const auto adjust = [&](Settings& settings) {
        auto& sites = request->spec.sites;
        sites.clear();
        for (const auto& site : options.sites) {
            const auto id = site_id_of(settings, site);
            refused = refused || !id;
            sites.push_back(id.value_or(site));
        }
        if (sites.empty()) sites = settings.api.sites;
        std::sort(sites.begin(), sites.end());
        sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
        const auto span = std::chrono::ceil<Seconds>(request->spec.to - request->spec.from);
        const std::int64_t windows =
            (span / request->spec.window + 1) * static_cast<std::int64_t>(sites.size());
        if (windows > kMostWindows) {
            complain("--from to --to is " + with_commas(windows) + " windows of " + options.window +
                     ", more than " + with_commas(kMostWindows) +
                     "; give a shorter range or a longer --window");
            refused = true;
        }
        // Log lines would tear the bar; warnings and errors are worth it.
        if (terminal && settings.log.level == LogLevel::info) settings.log.level = LogLevel::warning;
    };
    const int connections = std::clamp(options.concurrency, 2, 4) + 1;
    return with_engine(
        config, connections,
        [&](Engine& engine) -> Task<int> {
            if (refused) co_return kUsage;
            co_return co_await perform_backfill(engine, *request, options.strict, terminal);
        },
        adjust);
}

}  // namespace glia::cli
