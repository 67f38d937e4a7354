// What enrichers keep beside their jobs in the work queue.
#pragma once

#include <optional>
#include <string>

#include "sinks/enrichment.hpp"
#include "sinks/work.hpp"

namespace glia {

/// The defaults keep nothing: for destinations that enrichers do not write to.
class EnrichmentStore {
  public:
    virtual ~EnrichmentStore() = default;

    /// Enqueues what came or changed while the enricher was off: some of it, after `after`. Returns where to
    /// go on; none: that was all.
    virtual std::optional<MissedCursor> enqueue_missed(WorkKind,
                                                       const std::optional<MissedCursor>& /*after*/) {
        return std::nullopt;
    }
    /// All of it has been enqueued, in a series of calls that began so long ago.
    virtual void record_enqueued(WorkKind, Seconds /*ago*/) {}
    /// True once in `every` for all instances: whoever has the turn samples the queue's wait.
    virtual bool take_wait_turn(Seconds /*every*/) { return false; }
    virtual void add_wait_sample(const std::string& /*site*/, Instant /*sampled_at*/, OptionalSeconds) {}
    /// The result of an enricher's last round as a whole; an empty error: success.
    virtual void record_result(const std::string& /*kind*/, const std::string& /*error*/) {}
};

}  // namespace glia
