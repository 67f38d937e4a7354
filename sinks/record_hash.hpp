// The content hash of a record (DESIGN.md §4, "The content hash").
//
// It is taken over the record's values as (path, value) in the order of their paths, documented or not;
// absent and null ones are left out. So a member that becomes documented, or a field that is added to the
// list, changes no hash and causes no request. hash_leaves.hpp has the form.
#pragma once

#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Everything of the engagement but its legs.
RecordHash core_hash(const Engagement& engagement);

/// The legs alone; of no legs at all too.
RecordHash legs_hash(const RecordList<Leg>& legs);

}  // namespace glia
