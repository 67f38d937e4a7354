// The queue of what enrichers fetch, and what they have fetched (sinks/enrichment.hpp).
#pragma once

#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// See Sink for each of them.
std::optional<MissedCursor> queue_enrichments(Connection& connection, Enricher enricher,
                                              const std::optional<MissedCursor>& after);
std::vector<EnrichmentJob> claim_enrichments(Connection& connection, const EnrichmentClaim& claim);
void renew_enrichments(Connection& connection, const std::string& owner, Enricher enricher,
                       const std::vector<EnrichmentJob>& jobs, Seconds ttl);
Settled settle_enrichment(Connection& connection, const EnrichmentOutcome& outcome, const std::string& owner);

}  // namespace glia::postgres
