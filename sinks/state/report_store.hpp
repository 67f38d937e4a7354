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
    /// The last `runs` runs, and the volume of the last day.
    virtual History history(std::int64_t runs) = 0;
    /// Deletes rows of sync_runs whose runs ended longer than `keep` ago.
    virtual void prune_runs(Seconds keep) = 0;
};

}  // namespace glia
