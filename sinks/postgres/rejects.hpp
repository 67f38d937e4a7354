// The rejected records of a batch, a listing or an answer with statistics.
#pragma once

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Keeps the rejected records, but for those of engagements and visitors that were forgotten.
void write_rejected(Transaction& tx, const Batch& batch);

/// The same of one answer that is read whole: a listing, or the statistics of an interval. Resolves what an
/// earlier reading of it rejected and this one does not. `source`: which answer, as in rejected_records.
void replace_rejected(Transaction& tx, const std::string& site_id, const std::string& source,
                      const std::vector<RejectedRecord>& rejected);

}  // namespace glia::postgres
