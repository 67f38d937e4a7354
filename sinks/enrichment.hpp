// Enrichers, which fetch further data for engagements (DESIGN.md §2, enrich). Their queue is the work queue
// (sinks/work.hpp).
#pragma once

#include <cstdint>
#include <string>

#include "sinks/records.hpp"

namespace glia {

/// The enrichers for which a writer queues work when an engagement is new or has changed.
struct EnabledEnrichers {
    bool transcripts = false;
    bool recordings = false;
    bool any() const { return transcripts || recordings; }
};

/// The position of a scan through the engagements that were added or changed while an enricher was off.
struct MissedCursor {
    std::string changed_at;  ///< of the last engagement, in the database's text format
    std::string engagement_id;
};

/// The state of an enricher, for `status`.
struct EnricherStatus {
    std::string kind;
    std::int64_t waiting = 0;
    std::int64_t failing = 0;  ///< the jobs among them with a failed attempt
    OptionalInstant last_success_at;
    OptionalText last_error;
    OptionalInstant last_error_at;
};

}  // namespace glia
