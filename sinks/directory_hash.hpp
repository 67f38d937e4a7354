// Hashes that show whether anything of a stored operator, site or queue has changed.
#pragma once

#include "sinks/content_hash.hpp"
#include "sinks/directory.hpp"

namespace glia {

/// Hashes the stored members by name and value, like the hash of an engagement.
RecordHash directory_hash(const OperatorEntry& entry);
/// Includes the IANA time zone, which may come from the configuration.
RecordHash directory_hash(const SiteEntry& entry);
RecordHash directory_hash(const QueueEntry& entry);

}  // namespace glia
