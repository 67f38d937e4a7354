// A batch into the data tables, inside a transaction that the caller owns.
#pragma once

#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Writes what plan_merge() decides for each record: what is unchanged costs no write and no row lock, what
/// is new goes in by COPY, what changed is merged. The counts are in the order of the batches, which end in
/// the tables as if they had been written one after the other. `wishes`: what is asked for of engagements
/// that are new or have changed.
std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnrichmentWishes& wishes);
CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes);

/// The same, each engagement under a savepoint of its own: one that the database refuses goes to
/// rejected_records.
CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes);

}  // namespace glia::postgres
