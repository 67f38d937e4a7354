// Compares records with the tables, for `verify` (DESIGN.md §1).
#pragma once

#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/records.hpp"
#include "sinks/state/verification_store.hpp"

namespace glia::postgres {

/// See VerificationStore::compare().
std::vector<RecordComparison> compare_records(Transaction& tx, const std::vector<FetchedEngagement>& records);

}  // namespace glia::postgres
