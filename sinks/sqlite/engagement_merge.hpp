// Merges batches with the stored state of their engagements, and passes changed engagements to the writer.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/record_writer.hpp"
#include "sinks/sqlite/connection.hpp"

namespace glia::sqlite {

/// Decides with plan_engagement(), like every sink. Updates the state and passes each engagement that has to
/// be written to `writer`. Skips details whose claims the batch's instance has lost. Call it within a
/// transaction.
CommitCounts merge_batch(Connection& connection, const Batch& batch, RecordWriter& writer);

}  // namespace glia::sqlite
