// From a fetched engagement to what is written of it: what every sink does before it writes.
#pragma once

#include <chrono>
#include <optional>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia {

ContentHashes content_hashes(const Engagement& engagement);

/// What plan_merge() compares, at `now` by the steady clock of the process.
IncomingState incoming_state(const FetchedEngagement& fetched, std::chrono::steady_clock::time_point now);

/// plan_merge() for what may be stored under the first form of the content hash. Hashes in `stored` that tell
/// of the same content become current ones (legacy_hash.hpp), and the plan rewrites them. A hash of legs
/// without the time of their reading, which only a row changed by hand has, is left out: such legs are not
/// known.
MergePlan plan_engagement(std::optional<StoredState>& stored, const Engagement& engagement,
                          const IncomingState& incoming);

}  // namespace glia
