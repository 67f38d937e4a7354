// Erasing what was to be forgotten, and what is older than retention allows: rows, and the files of
// recordings.
#pragma once

#include "daemon/sync/engine.hpp"
#include "daemon/sync/erasure_queue.hpp"

namespace glia {

/// What is kept between the turns of those who erase.
struct ErasureState {
    ErasureQueue orders;
    RetentionCursor retention;
};

/// Erases what was ordered, whoever ordered it, a part of each order at a time. Orders that fail are passed
/// over; the first failure is thrown (SinkError) once the others are through.
Task<Erased> erase_ordered(Engine& engine, ErasureQueue& orders);

/// Deletes the files of recordings whose rows are gone. Returns how many engagements' remain because this
/// configuration names no directory (then of the first thousand), or a file cannot be deleted. Throws
/// SinkError.
Task<std::int64_t> erase_recordings(Engine& engine);

/// What came of a turn.
struct ErasureTurn {
    bool more = false;                   ///< there is more to erase right away
    std::optional<SinkError> failure{};  ///< the first one
};

/// Both, and what is older than `retention`, for a minute or so; logs what was done. What fails is logged,
/// and does not stop the rest.
Task<ErasureTurn> erase_what_is_due(Engine& engine, ErasureState& state);

}  // namespace glia
