// Erasing what was to be forgotten, and what is older than retention allows: rows, and the files of
// recordings.
#pragma once

#include "daemon/sync/engine.hpp"

namespace glia {

/// Goes on with every erasure that was asked for and is not through, whoever began it. Throws SinkError.
Task<Erased> erase_ordered(Engine& engine);

/// Erases what is older than `retention`, if there is one, some at a time. Throws SinkError.
Task<Erased> erase_expired(Engine& engine);

/// Deletes the files of recordings whose rows are gone. Returns how many engagements' remain because this
/// configuration names no directory, or a file cannot be deleted. Throws SinkError.
Task<std::int64_t> erase_recordings(Engine& engine);

/// All three; tells about it in the log. What fails is tried again at the next call.
Task<> erase_what_is_due(Engine& engine);

}  // namespace glia
