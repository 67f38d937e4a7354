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
                    "the watermark moves with a completed incremental pass, and with no other");
    check_invariant(!checkpoint.release || moves,
                    "a checkpoint gives a lease back with a completed incremental pass only");
}

}  // namespace glia
