// Writes batches into the data tables, inside a transaction that the caller owns: compares them with what is
// stored (stored_comparison.hpp), writes the plans (plan_writer.hpp), and what follows from them
// (follow_ups.hpp).
#pragma once

#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/range_scan.hpp"

namespace glia::postgres {

/// Returns the counts in the order of the batches. The tables end as if the batches had been written one
/// after the other. `enrichers`: those whose queues get new and changed engagements. `scans`: of the
/// connection.
std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnrichmentWishes& enrichers, ScanMemory& scans);
CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnrichmentWishes& enrichers,
                         ScanMemory& scans);

/// The same, each engagement under a savepoint of its own: one that the database refuses goes to
/// rejected_records.
CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnrichmentWishes& enrichers,
                              ScanMemory& scans);

}  // namespace glia::postgres
