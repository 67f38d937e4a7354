// Writes the rejected records of a batch, a listing, or a response with statistics.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Stores the rejected records, except those of forgotten engagements, visitors and operators.
void write_rejected(Transaction& tx, const Batch& batch);

/// The same for a listing, or for the statistics of an interval. Also resolves the records that an earlier
/// read of it rejected and this one did not. `source`: identifies the listing or interval; the value of
/// rejected_records.source.
void replace_rejected(Transaction& tx, const std::string& site_id, const std::string& source,
                      const std::vector<RejectedRecord>& rejected);

}  // namespace glia::postgres
