#include "sinks/commit_invariants.hpp"

#include <algorithm>

#include "sinks/invariant.hpp"

namespace glia {

void check_checkpoint(const PassCheckpoint& checkpoint) {
    const bool leased = std::visit([](const auto& target) { return target.epoch > 0; }, checkpoint.target);
    check_invariant(leased, "a checkpoint is written under a lease, whose epoch is positive");
    const bool moves = checkpoint.complete && std::holds_alternative<SiteTarget>(checkpoint.target);
    check_invariant(checkpoint.watermark.has_value() == moves,
                    "the watermark moves with a completed incremental pass, and with no other");
    check_invariant(!checkpoint.release || moves,
                    "a checkpoint gives a lease back with a completed incremental pass only");
}

void check_stored_state(const StoredState& stored) {
    check_invariant(!stored.legs_hash || stored.legs_fetched_at,
                    "legs that have a hash have the time of their reading");
}

void check_distinct(std::vector<std::string_view> ids) {
    std::sort(ids.begin(), ids.end());
    check_invariant(std::adjacent_find(ids.begin(), ids.end()) == ids.end(),
                    "no id stands twice among records that are written together");
}

}  // namespace glia
