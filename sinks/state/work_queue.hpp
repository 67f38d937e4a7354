// The queue of what is still to be fetched: details, transcripts, recordings.
#pragma once

#include <string>
#include <vector>

#include "sinks/work.hpp"

namespace glia {

/// Jobs come with Sink::commit(). Details are settled with the batch that carries their records
/// (Batch::details), transcripts and recordings by complete().
class WorkQueue {
  public:
    virtual ~WorkQueue() = default;

    /// Enqueues the details of ongoing engagements that are due (or all of them). Returns how many.
    virtual std::int64_t enqueue_ongoing(bool all) = 0;
    virtual std::vector<WorkJob> claim(const WorkClaim& claim) = 0;
    /// Prolongs claims that have not passed to another owner.
    virtual void renew(WorkKind kind, const std::string& owner, const std::vector<WorkJob>& jobs,
                       Seconds ttl) = 0;
    /// Jobs waiting and due now, not parked; claimed ones included.
    virtual std::int64_t due(WorkKind kind) = 0;
    /// Writes what was fetched, or why it was not. The default is that of destinations that hold no
    /// transcripts and recordings.
    virtual Settled complete(WorkKind, const WorkOutcome&, const std::string& /*owner*/) {
        return Settled::lost;
    }
};

}  // namespace glia
