// `backfill --only legs|transcripts|recordings`: fetches these for stored engagements (DESIGN.md §1). The
// work queue is its checkpoint.
#pragma once

#include <functional>

#include "daemon/base/progress.hpp"
#include "daemon/sync/instance.hpp"

namespace glia {

struct QueueBackfillRequest {
    WorkKind kind = WorkKind::detail;
    Instant from{};  ///< created_at of the engagements
    Instant to{};
    std::vector<std::string> sites;  ///< only engagements that at least one of these sites lists
    bool all = false;                ///< fetch again what was fetched before
};

struct QueueBackfillResult {
    ExitStatus outcome;
    std::int64_t requested = 0;
    std::int64_t fetched = 0;  ///< by this instance, including other work in the queue
    std::int64_t left = 0;     ///< jobs left at the end; 0 (not counted) after a failure
    std::int64_t rejected = 0;
    Milliseconds elapsed{};
};

/// Called once a second, or less often.
using QueueBackfillObserver = std::function<void(const ProgressInput&)>;

/// The plural name for messages: legs, transcripts, recordings.
const char* plural_of(WorkKind kind);

/// Enqueues what was never fetched for the engagements of the range, then drains the queue until nothing is
/// due. Requires a sink that keeps engagements: one whose verifications() is not null.
Task<QueueBackfillResult> run_queue_backfill(Instance& instance, QueueBackfillRequest request,
                                             QueueBackfillObserver observer);

}  // namespace glia
