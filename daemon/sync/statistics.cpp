#include "daemon/sync/statistics.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "daemon/base/log.hpp"
#include "daemon/sync/listing_read.hpp"
#include "daemon/sync/statistics_schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

// Maximum pause before the lease of a site that another instance reads is requested again: that instance may
// die.
constexpr Milliseconds kLongestWait{600'000};

/// What was read under one lease of a site, or of a window.
struct StatisticsTotals {
    std::int64_t responses = 0;
    std::int64_t requests = 0;
    std::int64_t rejected = 0;
    std::int64_t written = 0;
    std::int64_t removed = 0;
    std::string first_rejection;
    OpenPass pass;  ///< from the earliest interval to the end of the latest
};

/// The server's clock, at most a minute ahead of this machine's (DESIGN.md §3.10).
Instant statistics_now(const EngagementsApi& api) {
    return std::min<Instant>(api.server_now(), EngagementsApi::machine_now() + kClockTolerance);
}

StatisticsResponse make_response(const StatisticsSchedule::Request& request, FetchedStatistics fetched,
                                 StatisticsTotals& totals) {
    if (totals.responses++ == 0) {
        totals.pass.from = request.interval.start;
        totals.pass.to = request.interval.end();
        totals.pass.started_at = fetched.fetched_at;
    }
    totals.pass.from = std::min(totals.pass.from, request.interval.start);
    totals.pass.to = std::max(*totals.pass.to, request.interval.end());
    totals.pass.pages = totals.responses;
    totals.requests += fetched.attempts;
    StatisticsPage& page = fetched.page;
    totals.rejected += static_cast<std::int64_t>(page.rejected.size());
    if (totals.first_rejection.empty() && !page.rejected.empty())
        totals.first_rejection = page.rejected.front().reason;
    StatisticsResponse response;
    response.source = request.source;
    response.interval = request.interval;
    response.rows = std::move(page.rows);
    response.fetched_at = fetched.fetched_at;
    response.rejected = std::move(page.rejected);
    response.undocumented_members = std::move(page.undocumented_members);
    return response;
}

Task<> commit_response(Instance& instance, StatisticsCheckpoint checkpoint, StatisticsResponse response,
                       StatisticsTotals& totals) {
    const auto whole = std::make_shared<const StatisticsResponse>(std::move(response));
    const auto write = [checkpoint, whole](Sink& sink) {
        return sink.statistics().commit(checkpoint, *whole);
    };
    const StatisticsCounts counts = co_await instance.sink_pool.run(write);
    totals.written += counts.written;
    totals.removed += counts.removed;
}

/// Commits the response of an interval that the site's schedule did not ask for: `read_through` stays.
Task<> commit_interval(Instance& instance, StatisticsCheckpoint checkpoint,
                       StatisticsSchedule::Request request, FetchedStatistics fetched,
                       StatisticsTotals& totals) {
    StatisticsResponse response = make_response(request, std::move(fetched), totals);
    checkpoint.settled =
        !next_reading({request.interval, response.fetched_at}, instance.settings.statistics.revisit);
    co_await commit_response(instance, std::move(checkpoint), std::move(response), totals);
}

void log_totals(const std::string& site_id, const StatisticsTotals& totals) {
    if (totals.responses == 0) return;
    const auto line = totals.written + totals.removed > 0 ? log::info : log::debug;
    line(LogTopic::sync, "statistics read",
         {{"site", site_id},
          {"responses", totals.responses},
          {"written", totals.written},
          {"removed", totals.removed},
          {"rejected", totals.rejected}});
    if (totals.rejected > 0)
        log::warn(LogTopic::sync, "elements of statistics cannot be read, the others are stored",
                  {{"site", site_id}, {"elements", totals.rejected}, {"error", totals.first_rejection}});
}

/// Reads the due intervals of one site under its lease.
class SiteStatistics {
  public:
    SiteStatistics(Instance& instance, const SiteLease& lease) : instance_(instance), lease_(lease) {}

    Task<ExitStatus> read(bool retry_refused) {
        const Renewal renewal(instance_, lease_.target());
        const auto ask = [site = lease_.site_id](Sink& sink) { return sink.statistics().progress(site); };
        std::vector<StatisticsProgress> progress = co_await instance_.sink_pool.run(ask);
        schedule_.emplace(instance_.settings.statistics, instance_.settings.sync.start_from,
                          std::move(progress), retry_refused);
        ExitStatus stopped;
        while (true) {
            if (instance_.scope.cancelled()) {
                stopped = {ExitReason::stopped, "stopped while reading statistics"};
                break;
            }
            const auto request = schedule_->next(statistics_now(instance_.api));
            if (!request) break;
            co_await ask_one(*request);
        }
        ExitStatus outcome = schedule_->outcome();
        outcome.merge(stopped);
        log_totals(lease_.site_id, totals_);
        co_await give_back(outcome);
        co_return outcome;
    }
    Milliseconds wait() const { return wait_; }
    std::int64_t rejected() const { return totals_.rejected; }

  private:
    Task<> ask_one(StatisticsSchedule::Request request) {
        auto fetched = co_await instance_.api.statistics(request.source, lease_.site_id, request.interval);
        if (fetched) {
            StatisticsResponse response = make_response(request, std::move(fetched.value()), totals_);
            const auto progress = schedule_->on_response(request, response.fetched_at);
            StatisticsCheckpoint checkpoint{lease_.target(), lease_.site_id, progress.read_through,
                                            progress.settled};
            co_await commit_response(instance_, std::move(checkpoint), std::move(response), totals_);
            co_return;
        }
        ++totals_.requests;
        const ApiError error = std::move(fetched.error());
        if (is_refusal(error)) {
            co_await refuse(request.source, error.message);
        } else {
            schedule_->on_error(request.source, error);
        }
    }

    Task<> refuse(StatisticsSource source, std::string error) {
        const Instant now = statistics_now(instance_.api);
        schedule_->on_refused(source, now);
        refusal_ = error;
        const auto write = [target = lease_.target(), source, error, now](Sink& sink) {
            return sink.statistics().refuse(target, source, error, now, kRefusalPause);
        };
        if (!co_await instance_.sink_pool.run(write)) co_return;
        log::warn(LogTopic::sync,
                  "the API refuses statistics, at least for this site; the next attempt is in a day, or when "
                  "glia-sync starts",
                  {{"site", lease_.site_id}, {"source", name_of(source)}, {"error", error}});
    }

    Task<> give_back(const ExitStatus& outcome) {
        const SiteTarget target = lease_.target();
        if (outcome.reason == ExitReason::done) {
            wait_ = schedule_->wait(statistics_now(instance_.api));
            const OptionalInstant through = schedule_->read_through();
            if (!through) {
                // All sources are refused: no failure.
                DirectoryRefusal refusal{refusal_, std::chrono::ceil<Seconds>(wait_), kRefusalPause, {}};
                const auto refuse_all = [target, refusal](Sink& sink) {
                    sink.directory().refuse_listing(target, refusal);
                };
                if (!refusal_.empty()) co_return co_await instance_.sink_pool.run(refuse_all);
            } else if (totals_.responses > 0) {
                PassCheckpoint done{
                    target,           totals_.pass,     true, through, SiteRelease{wait_, {}, {}},
                    totals_.requests, totals_.rejected, {}};
                const auto complete = [done](Sink& sink) { sink.commit({}, done); };
                co_return co_await instance_.sink_pool.run(complete);
            }
        }
        SiteRelease release{wait_, {}, {}};
        if (outcome.reason > ExitReason::stopped) {
            release.next_poll_in = wait_ =
                listing_retry(instance_.settings.statistics.interval, lease_.failures + 1);
            release.error = outcome.error;
            release.failed = FailedPass{"incremental", totals_.pass, totals_.requests, totals_.rejected};
            log::error(LogTopic::sync, "statistics failed",
                       {{"site", lease_.site_id}, {"next", to_text(wait_)}, {"error", outcome.error}});
        }
        const auto free_lease = [target, release](Sink& sink) {
            sink.site_leases().release(target, release);
        };
        co_await instance_.sink_pool.run(free_lease);
    }

    Instance& instance_;
    const SiteLease& lease_;
    std::optional<StatisticsSchedule> schedule_;
    StatisticsTotals totals_;
    std::string refusal_;  // the last one
    Milliseconds wait_{0};
};

struct StatisticsResult {
    ExitStatus outcome;
    Milliseconds wait{};
    std::int64_t rejected = 0;  ///< elements that could not be read
};

Task<StatisticsResult> read_site(Instance& instance, std::string site_id, bool force) {
    StatisticsResult result;
    std::optional<SinkError> failure;
    try {
        const SiteKey key{site_id, Stream::statistics};
        const SiteAcquired acquired = co_await acquire_site(instance, key, force);
        if (!acquired.lease) {
            result.wait = std::clamp<Milliseconds>(acquired.wait, Seconds{1}, kLongestWait);
            co_return result;
        }
        SiteStatistics statistics(instance, *acquired.lease);
        result.outcome = co_await statistics.read(force);
        result.wait = statistics.wait();
        result.rejected = statistics.rejected();
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        result.outcome = instance.exit_status_of(*failure);
        result.wait = listing_retry(instance.settings.statistics.interval, 1);
        if (!instance.scope.cancelled())
            log::warn(LogTopic::sync, "statistics not stored, will be tried again",
                      {{"site", site_id}, {"error", failure->what()}});
    }
    co_return result;
}

Task<> serve_statistics_of_site(Instance& instance, std::string site_id, WaitGroup& tasks) {
    bool first = true;
    while (!instance.scope.cancelled()) {
        const StatisticsResult result = co_await read_site(instance, site_id, first);
        first = false;
        if (!co_await instance.scope.sleep(std::clamp<Milliseconds>(result.wait, Seconds{1}, kLongestWait)))
            break;
    }
    tasks.remove();
}

Task<> read_once(Instance& instance, std::string site_id, ExitStatus& outcome, std::int64_t& rejected,
                 WaitGroup& tasks) {
    const StatisticsResult result = co_await read_site(instance, std::move(site_id), true);
    outcome.merge(result.outcome);
    rejected += result.rejected;
    tasks.remove();
}

/// Requests every source of every interval of a window. After an error of one source, it reads the others, so
/// that their rows are stored, and the window fails.
class WindowStatistics {
  public:
    WindowStatistics(Instance& instance, const WindowLease& window, StatisticsRefusals& refusals)
        : instance_(instance), target_(window.target), refusals_(refusals) {
        totals_.pass = window.pass;
    }

    Task<PassResult> read(Instant to) {
        const auto& settings = instance_.settings.statistics;
        PassResult result;
        for (const StatisticsInterval& interval :
             intervals_between(target_.from, to, statistics_now(instance_.api), settings.interval)) {
            for (const StatisticsSource source : kStatisticsSources) {
                if (refusals_.contains({target_.site_id, source}) || failures_.contains(source)) continue;
                if (instance_.scope.cancelled()) {
                    result.outcome = {ExitReason::stopped, "stopped while reading statistics"};
                    co_return result;
                }
                co_await ask({source, interval}, result);
                if (result.outcome.reason != ExitReason::done) co_return result;
            }
        }
        result.outcome = failures_.outcome();
        if (result.outcome.reason != ExitReason::done) co_return result;
        log_totals(target_.site_id, totals_);
        co_await complete(to);
        result.complete = true;
        result.pages = totals_.responses;
        result.counts.rejected = totals_.rejected;
        co_return result;
    }

  private:
    Task<> ask(StatisticsSchedule::Request request, PassResult& result) {
        auto fetched = co_await instance_.api.statistics(request.source, target_.site_id, request.interval);
        if (fetched) {
            failures_.on_response();
            StatisticsCheckpoint checkpoint{target_, target_.site_id, {}, false};
            co_await commit_interval(instance_, std::move(checkpoint), request, std::move(fetched.value()),
                                     totals_);
            co_return;
        }
        const ApiError error = std::move(fetched.error());
        if (is_refusal(error)) {
            failures_.on_response();
            if (refuse(request.source, error.message)) co_return;
            result.site_refused = true;
            result.outcome = {exit_reason_of(error), error.message};
            co_return;
        }
        failures_.on_error(request.source, error);
        if (failures_.is_over()) result.outcome = failures_.outcome();
    }

    /// Notes that the API refuses a source. Returns false if it refuses all of the site's sources.
    bool refuse(StatisticsSource source, const std::string& error) {
        if (refusals_.emplace(target_.site_id, source).second)
            log::warn(LogTopic::backfill, "the API refuses statistics of a site; the others are loaded",
                      {{"site", target_.site_id}, {"source", name_of(source)}, {"error", error}});
        return std::any_of(kStatisticsSources.begin(), kStatisticsSources.end(),
                           [&](StatisticsSource one) { return !refusals_.contains({target_.site_id, one}); });
    }

    Task<> complete(Instant to) {
        PassCheckpoint done;
        done.target = target_;
        done.pass = totals_.pass;
        done.pass.from = target_.from;
        done.pass.to = to;
        done.complete = true;
        done.requests = totals_.requests;
        done.rejected = totals_.rejected;
        const auto write = [done](Sink& sink) { sink.commit({}, done); };
        co_await instance_.sink_pool.run(write);
    }

    Instance& instance_;
    const WindowTarget target_;
    StatisticsRefusals& refusals_;
    StatisticsFailures failures_;
    StatisticsTotals totals_;
};

}  // namespace

Task<ExitStatus> read_statistics_once(Instance& instance, std::int64_t& rejected) {
    ExitStatus outcome;
    if (!instance.settings.statistics.enabled) co_return outcome;
    WaitGroup tasks(instance.runtime);
    for (const std::string& site : instance.settings.api.sites) {
        tasks.add();
        instance.runtime.spawn(read_once(instance, site, outcome, rejected, tasks));
    }
    co_await tasks.wait();
    co_return outcome;
}

Task<ExitStatus> read_statistics_again(Instance& instance, std::string site_id, RejectedStatistics rejected) {
    const auto [source, start] = rejected;
    const auto find = [site_id, source = source, start = start](Sink& sink) {
        return sink.statistics().length_read(site_id, source, start);
    };
    const auto length = co_await instance.sink_pool.run(find);
    if (!length) co_return ExitStatus{};
    const SiteKey key{site_id, Stream::statistics};
    const SiteAcquired acquired = co_await acquire_site(instance, key, true);
    if (!acquired.lease) {
        co_return ExitStatus{ExitReason::stopped, "instance " + acquired.instance_id +
                                                      " is reading statistics of this site; try again"};
    }
    const SiteTarget lease = acquired.lease->target();
    const Renewal renewal(instance, lease);
    ExitStatus outcome;
    const StatisticsInterval interval{start, *length};
    auto fetched = co_await instance.api.statistics(source, site_id, interval);
    if (fetched) {
        StatisticsTotals totals;
        StatisticsCheckpoint checkpoint{lease, site_id, {}, false};
        const StatisticsSchedule::Request request{source, interval};
        co_await commit_interval(instance, std::move(checkpoint), request, std::move(fetched.value()),
                                 totals);
    } else {
        const ApiError& error = fetched.error();
        outcome = {is_refusal(error) ? ExitReason::rejected : exit_reason_of(error), error.message};
    }
    const auto free_lease = [lease](Sink& sink) { sink.site_leases().release(lease, SiteRelease{}); };
    co_await instance.sink_pool.run(free_lease);
    co_return outcome;
}

void serve_statistics(Instance& instance, WaitGroup& tasks) {
    if (!instance.settings.statistics.enabled) return;
    for (const std::string& site : instance.settings.api.sites) {
        tasks.add();
        instance.runtime.spawn(serve_statistics_of_site(instance, site, tasks));
    }
}

Task<PassResult> read_statistics_window(Instance& instance, WindowLease window,
                                        StatisticsRefusals& refusals) {
    PassResult result;
    std::optional<SinkError> failure;
    try {
        WindowStatistics statistics(instance, window, refusals);
        result = co_await statistics.read(window.pass.to.value_or(window.target.from));
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) result.outcome = instance.exit_status_of(*failure);
    co_return result;
}

}  // namespace glia
