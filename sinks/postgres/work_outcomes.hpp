// Writes the outcomes of claimed jobs of every kind to work_items.
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

/// Completes the fetched jobs and records the failures of the others. Completed details leave the table;
/// other kinds stay in it. Returns the jobs that `instance_id` no longer claims, as `lost` or `erased`. If
/// some but not all jobs are returned, the caller must roll back. With an empty `instance_id`, claims are not
/// checked.
std::map<JobKey, ClaimResult> complete_work(Transaction& tx, WorkKind kind,
                                            const std::vector<WorkOutcome>& outcomes,
                                            const std::string& instance_id);

/// Deletes a job of an erased engagement, unless another instance has claimed it. A scan for missed
/// engagements may have queued it after the erasure.
void delete_work(Transaction& tx, WorkKind kind, const WorkJob& job, const std::string& instance_id);

/// Thrown to roll back a transaction because another instance has claimed some of its details, or because
/// some of their engagements were erased.
struct ClaimsLost {
    std::set<std::string> engagements;
};

/// complete_work() for the details of a batch, after its engagements are written. Throws ClaimsLost.
void complete_details(Transaction& tx, const Batch& batch);

}  // namespace glia::postgres
