#include "sinks/commit_invariants.hpp"

#include "sinks/invariant.hpp"

namespace glia {

void check_epoch(std::int64_t epoch) {
    check_invariant(epoch > 0, "the epoch of a lease is positive");
}

void check_checkpoint(const PassCheckpoint& checkpoint) {
    std::visit([](const auto& target) { check_epoch(target.epoch); }, checkpoint.target);
    const bool moves = checkpoint.complete && std::holds_alternative<SiteTarget>(checkpoint.target);
    check_invariant(checkpoint.watermark.has_value() == moves,
                    "the watermark moves exactly with a completed incremental pass");
    check_invariant(!checkpoint.release || moves,
                    "only the checkpoint of a completed incremental pass releases the lease");
}

}  // namespace glia
