// The one-shot historical load (DESIGN.md §1, backfill).
#pragma once

#include <functional>

#include "daemon/base/progress.hpp"
#include "daemon/sync/instance.hpp"

namespace glia {

struct BackfillRequest {
    BackfillSpec spec;
    int concurrency = 4;
    bool with_legs = true;  ///< engagements only: fetch the legs as well; otherwise the service fetches them
};

/// Callbacks of a backfill: `started` once, `progress` every one to ten seconds (see progress_pause()).
struct BackfillObserver {
    std::function<void(const BackfillState&)> started;
    std::function<void(const ProgressInput&)> progress;
};

struct BackfillResult {
    ExitStatus outcome;
    ProgressInput progress;
    std::int64_t rejected = 0;
    bool already_complete = false;
};

/// Reads every window that is not done, `concurrency` at a time: engagements (`with_legs`: and their legs),
/// or statistics.
Task<BackfillResult> run_backfill(Instance& instance, BackfillRequest request, BackfillObserver observer);

}  // namespace glia
