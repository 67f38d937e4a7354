// Writes the rows that follow from the plans of a partition, other than engagements and their children.
#pragma once

#include <vector>

#include "sinks/enrichment.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/merge_item.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia::postgres {

/// Writes names of queues, work for details and enrichers, ongoing engagements, and resolved rejects. Call it
/// after the plans of `items` are written. Adds to the counts of each batch.
void write_follow_ups(Transaction& tx, const std::vector<MergeItem>& items, const EnabledEnrichers& enrichers,
                      std::vector<CommitCounts>& counts);

/// Adds the undocumented members of the written items to `members`. Skips unchanged items.
void collect_undocumented_members(const std::vector<MergeItem>& items, UndocumentedMembers& members);

/// Adds them to the table undocumented_members. Call it last in a transaction, because all transactions lock
/// the same few rows.
void write_undocumented_members(Transaction& tx, const UndocumentedMembers& members);

}  // namespace glia::postgres
