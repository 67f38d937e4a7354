// When a backfill of queued work (legs, transcripts, recordings) is over, and its exit status: decisions
// only. queue_backfill.hpp performs them.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/sync/work_drain.hpp"

namespace glia {

/// The next step of such a backfill after a drain.
enum class NextStep {
    drain,  ///< again: more may have become due
    wait,   ///< another instance has claimed what is due; then drain again
    end
};

/// `due`: jobs that are due, claimed ones included. If all jobs of a drain failed, the backfill ends, because
/// they wait for their next attempt.
NextStep step_after(const DrainResult& drain, std::int64_t due, bool stopped);

/// The exit status of the backfill. `left`: unfinished jobs of the range, including those with a rejected
/// record, which do not make the backfill incomplete. `what`: the plural name of the jobs.
ExitStatus conclude(const DrainResult& drained, std::int64_t left, const std::string& what, bool stopped);

}  // namespace glia
