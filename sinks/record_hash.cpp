#include "sinks/record_hash.hpp"

#include "sinks/fields/engagement_fields.hpp"
#include "sinks/hash_leaves.hpp"

namespace glia {

RecordHash core_hash(const Engagement& engagement) {
    return {RecordHash::kCurrent,
            bytes_hash(hashing::leaves_of<EngagementFields, "legs">(engagement).view())};
}

RecordHash legs_hash(const RecordList<Leg>& legs) {
    return {RecordHash::kCurrent, bytes_hash(hashing::leaves_of_list<LegFields>(legs).view())};
}

}  // namespace glia
