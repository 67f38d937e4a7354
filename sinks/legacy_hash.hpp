// The first form of the content hash, in which fields stood in a fixed order without their names. Databases
// that were filled with it are recognised: what is stored under it and has not changed is rewritten once,
// without a request.
#pragma once

#include "sinks/merge.hpp"
#include "sinks/records.hpp"

namespace glia {

RecordHash legacy_core_hash(const Engagement& engagement);
RecordHash legacy_legs_hash(const RecordList<Leg>& legs);

/// Replaces each hash of the first form in `stored` by the current one if it tells of the same content as
/// `engagement`, whose hashes are in `incoming`. True if one was replaced.
bool upgrade_hashes(StoredState& stored, const Engagement& engagement, const IncomingState& incoming);

}  // namespace glia
