// Writes batches into the data tables, inside the caller's transaction: compares them with the stored rows
// (stored_comparison.hpp), writes the plans (plan_writer.hpp), and writes dependent rows (follow_ups.hpp).
#pragma once

#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/range_scan.hpp"

namespace glia::postgres {

/// Returns the counts in the order of the batches. The result is the same as writing the batches one after
/// the other. `enrichers`: those whose queues get new and changed engagements. `scans`: the connection's
/// memory of scans.
std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnabledEnrichers& enrichers, ScanMemory& scans);
CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnabledEnrichers& enrichers,
                         ScanMemory& scans);

/// The same with a savepoint for each engagement: an engagement that the database refuses goes to
/// rejected_records.
CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnabledEnrichers& enrichers,
                              ScanMemory& scans);

}  // namespace glia::postgres
