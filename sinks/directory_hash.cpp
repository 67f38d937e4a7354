#include "sinks/directory_hash.hpp"

#include "sinks/fields/directory_fields.hpp"
#include "sinks/hash_leaves.hpp"

namespace glia {
namespace {

RecordHash hash_of(std::string_view leaves) {
    return {RecordHash::kCurrent, bytes_hash(leaves)};
}

}  // namespace

RecordHash directory_hash(const OperatorEntry& entry) {
    return hash_of(hashing::leaves_of<OperatorEntryFields>(entry).view());
}

RecordHash directory_hash(const SiteEntry& entry) {
    return hash_of(std::string(hashing::leaves_of<SiteEntryFields>(entry).view()) + '\0' +
                   entry.iana_time_zone.value_or(""));
}

RecordHash directory_hash(const QueueEntry& entry) {
    return hash_of(hashing::leaves_of<QueueEntryFields>(entry).view());
}

}  // namespace glia
