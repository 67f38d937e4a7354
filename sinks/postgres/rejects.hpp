// The rejected records of a batch.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Keeps the rejected records, but for those of engagements and visitors that were forgotten.
void write_rejected(Transaction& tx, const Batch& batch);

}  // namespace glia::postgres
