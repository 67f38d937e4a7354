// What tells whether anything of an operator, a site or a queue that is stored has changed.
#pragma once

#include "sinks/content_hash.hpp"
#include "sinks/directory.hpp"

namespace glia {

/// Over the members by name and value, as the hash of an engagement; what is not stored is not in it.
RecordHash directory_hash(const OperatorEntry& entry);
/// Also over the IANA time zone, which the configuration may give.
RecordHash directory_hash(const SiteEntry& entry);
RecordHash directory_hash(const QueueEntry& entry);

}  // namespace glia
