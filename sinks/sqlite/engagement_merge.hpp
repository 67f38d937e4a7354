// Merges batches with what the state knows of their engagements, and hands on what has changed.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/record_writer.hpp"
#include "sinks/sqlite/connection.hpp"

namespace glia::sqlite {

/// Decides by plan_merge(), as every sink does; notes it in the state and gives `writer` each engagement that
/// has to be written. Nothing is written of details that the batch's owner does not hold any more. Within a
/// transaction.
CommitCounts merge_batch(Connection& connection, const Batch& batch, RecordWriter& writer);

}  // namespace glia::sqlite
