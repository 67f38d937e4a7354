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

#include "daemon/config/settings.hpp"
#include "sinks/state/statistics_store.hpp"

namespace glia {

/// The first start of an interval at or after `time`.
Instant interval_boundary(Instant time, Milliseconds interval);

/// The intervals of a backfill's window: those that begin in [from, to) and are over by `now`.
std::vector<StatisticsInterval> intervals_between(Instant from, Instant to, Instant now,
                                                  Milliseconds interval);

/// When an interval that was read at `fetched_at` is read again; none: it is settled.
OptionalInstant next_reading(const StatisticsReading& reading, const std::vector<TierSettings>& revisit);

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
    /// nothing is due.
    std::optional<Request> next(Instant now);

    /// How to commit the response to the last request.
    struct ReadProgress {
        OptionalInstant read_through;
        bool settled = false;
    };
    /// The response has come; next() continues after it.
    ReadProgress on_response(const Request& request, Instant fetched_at);
    void on_refused(StatisticsSource source, Instant now);

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
};

}  // namespace glia
