// Which intervals of a site's statistics to read now: decisions only (DESIGN.md §2 statistics).
//
// Intervals begin at multiples of their length since 1970. An interval is read as soon as it is over by the
// server's clock. Its counts may still change, so each tier of `revisit` reads it again every `every`, the
// last time when it is `back` old. After a pause or a refusal of the source, reading continues where it
// stopped. The first read begins as far back as the tiers reach. A backfill reads older intervals.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/exit_status.hpp"
#include "sinks/state/statistics_store.hpp"

namespace glia {

/// The first start of an interval at or after `time`.
Instant interval_boundary(Instant time, Milliseconds interval);

/// The intervals of a backfill's window: those that begin in [from, to) and are over by `now`.
std::vector<StatisticsInterval> intervals_between(Instant from, Instant to, Instant now,
                                                  Milliseconds interval);

/// When an interval that was read at `fetched_at` is read again; none: it is settled.
OptionalInstant next_reading(const StatisticsReading& reading, const std::vector<TierSettings>& revisit);

/// The failures of one reading of a site or a window. A source that fails is left out for the rest of the
/// reading, so that it does not keep the others from being read.
class StatisticsFailures {
  public:
    void on_response() { without_response_ = 0; }
    /// Takes an error that is no refusal.
    void on_error(StatisticsSource source, const ApiError& error);

    /// True if the reading ends: the program stops, the token is refused, or the API does not respond.
    bool is_over() const { return over_; }
    bool contains(StatisticsSource source) const { return failed_.contains(source); }
    /// The most severe failure.
    const ExitStatus& outcome() const { return outcome_; }

    // Consecutive sources without any response after which the API counts as down. A single one may time out
    // on its own, because its query is slow.
    static constexpr int kSourcesUntilDown = 2;

  private:
    std::set<StatisticsSource> failed_;
    ExitStatus outcome_;
    int without_response_ = 0;
    bool over_ = false;
};

class StatisticsSchedule {
  public:
    /// `retry_refused`: also reads sources that were refused lately. `start_from`: the earliest interval.
    StatisticsSchedule(const StatisticsSettings& settings, Instant start_from,
                       std::vector<StatisticsProgress> progress, bool retry_refused);

    /// The next request.
    struct Request {
        StatisticsSource source = StatisticsSource::queue_wait;
        StatisticsInterval interval;
        bool operator==(const Request&) const = default;
    };
    /// The next interval to read: new intervals first, from the oldest; then intervals to read again. None if
    /// nothing is due of the sources that have not failed.
    std::optional<Request> next(Instant now);

    /// How to commit the response to the last request.
    struct ReadProgress {
        OptionalInstant read_through;
        bool settled = false;
    };
    /// The response has come; next() continues after it.
    ReadProgress on_response(const Request& request, Instant fetched_at);
    void on_refused(StatisticsSource source, Instant now);
    /// An error that is no refusal.
    void on_error(StatisticsSource source, const ApiError& error) { failures_.on_error(source, error); }
    /// The most severe error. Other than `done`, the reading is not complete.
    const ExitStatus& outcome() const { return failures_.outcome(); }

    /// Time until the next interval is due.
    Milliseconds wait(Instant now) const;
    /// The time through which all sources were read, except refused ones. None if all are refused or one has
    /// not begun.
    OptionalInstant read_through() const;

  private:
    struct Source {
        OptionalInstant read_through;
        OptionalInstant refused_at;
        bool retry_now = false;  // requested although it was refused lately
        std::map<Instant, StatisticsReading> readings;
        std::set<Instant> read_in_run;  // by start; not read again in the same run
    };

    static bool is_paused(const Source& source, Instant now);
    void begin(Source& source, Instant now) const;
    void skip_known(Source& source) const;
    StatisticsInterval next_new(const Source& source) const;

    StatisticsSettings settings_;
    Instant start_from_;
    std::array<Source, kStatisticsSources.size()> sources_;
    StatisticsFailures failures_;
};

}  // namespace glia
