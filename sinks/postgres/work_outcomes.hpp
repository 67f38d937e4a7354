// Outcomes of claimed jobs in work_items: one way to settle them for every kind of work.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/work.hpp"

namespace glia::postgres {

/// A job's engagement and item.
using JobKey = std::pair<std::string, std::string>;

/// Settles jobs that were fetched, and records why the others were not. Of done jobs, details leave the table
/// and the others stay. Returns those that `owner` no longer claims, `lost` or `erased`: then the transaction
/// is to be rolled back, or they were all. An empty `owner` claims nothing and settles everything.
std::map<JobKey, Settled> settle_work(Transaction& tx, WorkKind kind,
                                      const std::vector<WorkOutcome>& outcomes, const std::string& owner);

/// Thrown out of a transaction whose details somebody else has claimed meanwhile: nothing of it is written.
struct ClaimsLost {
    std::set<std::string> engagements;
};

/// settle_work() for the details of a batch, after its engagements are written. Throws ClaimsLost.
void settle_details(Transaction& tx, const Batch& batch);

}  // namespace glia::postgres
