// What is written besides the rows of engagements and their children, because of what a partition holds.
#pragma once

#include <vector>

#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/merge_item.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia::postgres {

/// Names of queues, work for the queues of details and enrichers, ongoing engagements, rejects that are
/// resolved. After the plans of `items` are written; adds to the counts of each batch.
void write_follow_ups(Transaction& tx, const std::vector<MergeItem>& items, const EnrichmentWishes& enrichers,
                      std::vector<CommitCounts>& counts);

/// Adds the undocumented members of what was written to `members`. What is unchanged is not read again.
void collect_undocumented(const std::vector<MergeItem>& items, UndocumentedMembers& members);

/// Counts them in their table. Comes last in a transaction: every transaction writes the same few rows.
void write_undocumented(Transaction& tx, const UndocumentedMembers& members);

}  // namespace glia::postgres
