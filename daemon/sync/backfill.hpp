// The one-shot historical load (DESIGN.md §1, backfill).
#pragma once

#include <functional>

#include "daemon/base/progress.hpp"
#include "daemon/sync/engine.hpp"

namespace glia {

struct BackfillRequest {
    BackfillSpec spec;
    int concurrency = 4;
};

/// Where the backfill tells of itself: `started` once, `progress` once a second.
struct BackfillObserver {
    std::function<void(const BackfillState&)> started;
    std::function<void(const ProgressFacts&)> progress;
};

struct BackfillResult {
    Outcome outcome;
    ProgressFacts facts;
    std::int64_t rejected = 0;
    bool already_complete = false;
};

/// Reads every window that is not done, `concurrency` at a time, and fetches the legs that they ask for.
Task<BackfillResult> run_backfill(Engine& engine, BackfillRequest request, BackfillObserver observer);

}  // namespace glia
