// Erases the rows and recordings that `forget` ordered to erase or that are older than `retention`.
#pragma once

#include "daemon/sync/erasure_queue.hpp"
#include "daemon/sync/instance.hpp"

namespace glia {

/// State between two turns of erasure.
struct ErasureState {
    ErasureQueue orders;
    RetentionCursor retention;
};

/// Executes all stored orders, one part of each in turn. Skips orders that fail, and throws the first failure
/// (SinkError) after the others.
Task<Erased> erase_ordered(Instance& instance, ErasureQueue& orders);

/// Deletes the files of recordings whose rows are gone. Returns the number of engagements whose files remain
/// because this configuration names no directory (counted up to the first thousand), or because a file cannot
/// be deleted. Throws SinkError.
Task<std::int64_t> erase_recordings(Instance& instance);

/// The result of a turn.
struct ErasureTurn {
    bool more = false;                   ///< there is more to erase right away
    std::optional<SinkError> failure{};  ///< the first one
};

/// Executes the stored orders, erases expired rows for about a minute, deletes files, and logs the counts.
/// Logs failures and continues with the rest.
Task<ErasureTurn> erase_what_is_due(Instance& instance, ErasureState& state);

}  // namespace glia
