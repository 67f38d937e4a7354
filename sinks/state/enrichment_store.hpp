// State of enrichers other than their jobs in the work queue.
#pragma once

#include <optional>
#include <string>

#include "sinks/enrichment.hpp"
#include "sinks/work.hpp"

namespace glia {

/// The default implementation stores nothing, for destinations that enrichers do not write to.
class EnrichmentStore {
  public:
    virtual ~EnrichmentStore() = default;

    /// Enqueues jobs for a part of the engagements that were added or changed while the enricher was off,
    /// starting after `after`. Returns the cursor of the next part; none after the last part.
    virtual std::optional<MissedCursor> enqueue_missed(WorkKind,
                                                       const std::optional<MissedCursor>& /*after*/) {
        return std::nullopt;
    }
    /// Records that all parts are enqueued. `ago`: time since the first call of enqueue_missed().
    virtual void record_enqueued(WorkKind, Seconds /*ago*/) {}
    /// Returns true for one instance per `every`: that instance requests the average wait in the queue.
    virtual bool claim_wait_sample(Seconds /*every*/) { return false; }
    virtual void add_wait_sample(const std::string& /*site*/, Instant /*sampled_at*/,
                                 OptionalInteger /*average_seconds*/) {}
    /// Records the result of an enricher's drain. An empty error means success.
    virtual void record_result(const std::string& /*kind*/, const std::string& /*error*/) {}
};

}  // namespace glia
