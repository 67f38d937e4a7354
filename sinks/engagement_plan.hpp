// Decides what to write of a fetched engagement. Every sink uses it.
#pragma once

#include <chrono>
#include <optional>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia {

ContentHashes content_hashes(const Engagement& engagement);

/// The input of plan_merge() for a response, at `now` by the process's steady clock.
IncomingState incoming_state(const FetchedEngagement& fetched, std::chrono::steady_clock::time_point now);

/// plan_merge() for rows that may have hashes of the first format (legacy_hash.hpp). If the content is
/// unchanged, replaces these hashes in `stored` by current ones, and the plan rewrites them. Ignores a hash
/// of legs without `legs_fetched_at`, which only a row changed by hand has: such legs count as unknown.
MergePlan plan_engagement(std::optional<StoredState>& stored, const Engagement& engagement,
                          const IncomingState& incoming);

}  // namespace glia
