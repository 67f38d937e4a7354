// The queue of pending fetches: details, transcripts, recordings.
#pragma once

#include <string>
#include <vector>

#include "sinks/work.hpp"

namespace glia {

/// Sink::commit() adds jobs. Details are completed by the batch with their records (Batch::details),
/// transcripts and recordings by complete().
class WorkQueue {
  public:
    virtual ~WorkQueue() = default;

    /// Enqueues the details of ongoing engagements that are due, or of all ongoing ones. Returns their
    /// number.
    virtual std::int64_t enqueue_ongoing(bool all) = 0;
    virtual std::vector<WorkJob> claim(const WorkClaim& claim) = 0;
    /// Renews claims that have not passed to another instance.
    virtual void renew(WorkKind kind, const std::string& instance_id, const std::vector<WorkJob>& jobs,
                       Seconds ttl) = 0;
    /// The number of jobs that are due now, claimed and parked ones included.
    virtual std::int64_t due(WorkKind kind) = 0;
    /// Writes the fetched content or the failure. The default is for destinations that store no transcripts
    /// and recordings.
    virtual ClaimResult complete(WorkKind, const WorkOutcome&, const std::string& /*instance_id*/) {
        return ClaimResult::lost;
    }
    /// The number of jobs of these stored engagements that were never completed, enqueued or not. The
    /// defaults of this function and of request() are for destinations that store no engagements.
    virtual std::int64_t count_unfetched(WorkKind, const std::vector<std::string>& /*engagement_ids*/) {
        return 0;
    }
    /// Enqueues these jobs, due at once. `all`: completed ones too. Returns their number.
    virtual std::int64_t request(WorkKind, const std::vector<std::string>& /*engagement_ids*/, bool /*all*/) {
        return 0;
    }
};

}  // namespace glia
