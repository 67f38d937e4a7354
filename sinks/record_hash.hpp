// The content hash of a record (DESIGN.md §4, "The content hash").
//
// Its input is the record's (path, value) pairs, documented or not, sorted by path and without absent and
// null values. So a member that becomes documented, or a field that is added to the list, changes no hash and
// causes no request. hash_leaves.hpp describes the format.
#pragma once

#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Hashes the engagement without its legs.
RecordHash core_hash(const Engagement& engagement);

/// Hashes the legs only. The list may be empty.
RecordHash legs_hash(const RecordList<Leg>& legs);

}  // namespace glia
