// Enrichers: what is fetched beside engagements and legs (DESIGN.md §2, enrich). Their queue is the work
// queue (sinks/work.hpp).
#pragma once

#include <cstdint>
#include <string>

#include "sinks/records.hpp"

namespace glia {

/// What a writer asks for when an engagement is new or has changed.
struct EnrichmentWishes {
    bool transcripts = false;
    bool recordings = false;
    bool any() const { return transcripts || recordings; }
};

/// How far the engagements are known that came or changed while an enricher was off.
struct MissedCursor {
    std::string changed_at;  ///< of the last one, as the database writes it
    std::string engagement_id;
};

/// How an enricher stands, for `status`.
struct EnricherStatus {
    std::string kind;
    std::int64_t waiting = 0;
    std::int64_t failing = 0;  ///< of those, with a failed attempt
    OptionalInstant last_success_at;
    OptionalText last_error;
    OptionalInstant last_error_at;
};

}  // namespace glia
