// Storage of interval statistics, and of which intervals were read.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/statistics.hpp"

namespace glia {

/// An interval that has been read.
struct StatisticsReading {
    StatisticsInterval interval;
    Instant fetched_at{};  ///< by the API server's clock
    bool operator==(const StatisticsReading&) const = default;
};

/// The reading progress of one statistics source of a site.
struct StatisticsProgress {
    StatisticsSource source = StatisticsSource::queue_wait;
    OptionalInstant read_through;  ///< the service has read all intervals up to here; none: not begun
    OptionalInstant refused_at;    ///< last refusal by the API, by the API server's clock; none: not refused
    /// The intervals that will be read again, and all that begin at or after `read_through`.
    std::vector<StatisticsReading> readings;
};

/// The state that is written with the rows of a response.
struct StatisticsCheckpoint {
    std::variant<SiteTarget, WindowTarget> lease;
    std::string site_id;
    OptionalInstant read_through;  ///< the new value; none: unchanged
    bool settled = false;          ///< the interval need not be read again
};

struct StatisticsCounts {
    std::int64_t written = 0;  ///< rows that are new or changed
    std::int64_t removed = 0;  ///< rows that are no longer in the response
    bool stale = false;        ///< a newer response is stored: nothing was written
    bool operator==(const StatisticsCounts&) const = default;
};

/// The default implementation stores nothing, for destinations without tables of statistics; their
/// configuration does not allow `statistics.enabled`.
class StatisticsStore {
  public:
    virtual ~StatisticsStore() = default;

    /// One entry for each source.
    virtual std::vector<StatisticsProgress> progress(const std::string& /*site_id*/) { return {}; }
    /// The length of the interval that was read from `start` on; none if none was, or if it has since been
    /// read as a part of a longer interval.
    virtual std::optional<Seconds> length_read(const std::string& /*site_id*/, StatisticsSource,
                                               Instant /*start*/) {
        return std::nullopt;
    }
    /// Replaces the interval's rows by those of the response, in one transaction under the lease. Throws
    /// `lease_lost` if the lease has passed to another instance. Repeating the call changes nothing.
    virtual StatisticsCounts commit(const StatisticsCheckpoint&, const StatisticsResponse&) { return {}; }
    /// Records that the API refuses a source. Returns true if a warning is due, and records that it was
    /// given.
    virtual bool refuse(const SiteTarget& /*lease*/, StatisticsSource, const std::string& /*error*/,
                        Instant /*refused_at*/, Seconds /*warn_every*/) {
        return false;
    }
};

}  // namespace glia
