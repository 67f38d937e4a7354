// What of a batch becomes lines, and what is remembered of it.
#pragma once

#include <set>
#include <string>

#include "sinks/checkpoint.hpp"
#include "sinks/ndjson/state.hpp"

namespace glia::ndjson {

/// Details of the batch that its owner does not hold any more: nothing of them is written.
std::set<std::string> lost_claims(State& state, const Batch& batch);

/// Decides by plan_merge(), as every sink does; notes it in the state and appends the lines that it takes to
/// `lines`. Within a transaction of the state.
CommitCounts write_batch(State& state, const Batch& batch, const std::set<std::string>& lost,
                         std::string& lines);

}  // namespace glia::ndjson
