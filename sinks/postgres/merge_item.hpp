// The engagements of a commit, split so that each id is written once at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia::postgres {

/// One engagement on its way into the tables. What it points to belongs to the batches.
struct MergeItem {
    const FetchedEngagement* fetched = nullptr;
    std::size_t batch_index = 0;
    IncomingState incoming;

    // What StoredComparison finds out.
    std::optional<StoredState> stored;
    RecordHash stored_core_hash;   ///< as the row has it, in whichever form
    bool site_known = false;       ///< the row says already that this site lists it
    bool has_open_reject = false;  ///< a record of it was rejected and has not been resolved
    bool was_ongoing = false;      ///< it has a row in ongoing_engagements
    bool equals_stored = false;    ///< by a scan of hashes
    bool is_unchanged = false;     ///< equals_stored, and site_known: nothing is to be done
    bool is_new_by_range = false;  ///< a scan of its time range did not find it

    MergePlan plan;

    const Engagement& engagement() const { return fetched->engagement; }
    const std::string& site() const { return fetched->site_id; }
    std::string_view id() const { return *fetched->engagement.id; }
    /// True if a row of the engagement's own columns is written.
    bool writes_core() const { return plan.insert || plan.write_core; }
};

/// Splits the engagements of the batches into partitions that are written one after the other. In each, the
/// items stand in the order of their ids, which is the order of locks, and no id stands twice. If a batch has
/// an id twice, the later response counts. If several batches have an id, each gets a partition of its own,
/// in the order of the batches.
std::vector<std::vector<MergeItem>> partition_by_id(const std::vector<const Batch*>& batches);

/// The sites whose listings the items come from, each once; "" stands for details.
std::vector<std::string> sites_of(const std::vector<MergeItem>& items);

}  // namespace glia::postgres
