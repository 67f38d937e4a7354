// The first format of the content hash, with fields in a fixed order and without names. If a stored hash has
// this format and the content has not changed, the hash is rewritten once, without a request to the API.
#pragma once

#include "sinks/merge.hpp"
#include "sinks/records.hpp"

namespace glia {

RecordHash legacy_core_hash(const Engagement& engagement);
RecordHash legacy_legs_hash(const RecordList<Leg>& legs);

/// Replaces each hash of the first format in `stored` by the current one from `incoming`, if it matches the
/// content of `engagement`. Returns true if one was replaced.
bool upgrade_hashes(StoredState& stored, const Engagement& engagement, const IncomingState& incoming);

}  // namespace glia
