// What `status`, the status page and the metrics show.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/status.hpp"

namespace glia {

class ReportStore {
  public:
    virtual ~ReportStore() = default;

    virtual StatusReport status() = 0;
    /// The last `limit` runs, the newest first.
    virtual std::vector<RunStatus> runs(std::int64_t limit) = 0;
    /// The last `runs` runs, the engagements of the last day by hour, and what `verify` found last.
    virtual History history(std::int64_t runs) = 0;
    /// Deletes rows of sync_runs whose runs ended longer than `keep` ago.
    virtual void prune_runs(Seconds keep) = 0;

    // Engagements by hour. The defaults count nothing: for destinations that cannot be queried.

    /// The sites that have a watermark.
    virtual std::vector<VolumeSite> volume_sites() { return {}; }
    /// Counts the engagements created in a range of whole hours, for each site only before its watermark.
    virtual void count_volume(const std::vector<VolumeSite>&, Instant /*from*/, Instant /*before*/) {}
    /// Engagements of these sites by day, in order: the last `days` days by each site's own clock.
    virtual std::map<std::string, std::vector<VolumeDay>> volume_days(
        const std::vector<std::string>& /*sites*/, std::int64_t /*days*/) {
        return {};
    }
    /// Deletes counted hours that began longer than `keep` ago.
    virtual void prune_volume(Seconds /*keep*/) {}
};

}  // namespace glia
