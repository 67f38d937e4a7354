// The engagements of a commit, split into partitions in which each id occurs once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia::postgres {

/// An engagement to be written. The batches own the data that it points to.
struct MergeItem {
    const FetchedEngagement* fetched = nullptr;
    std::size_t batch_index = 0;
    IncomingState incoming;

    // Set by StoredComparison.
    std::optional<StoredState> stored;
    RecordHash stored_core_hash;   ///< as stored, in any version
    bool site_known = false;       ///< it is stored that this site lists it; true for a stored detail
    bool has_open_reject = false;  ///< it has an unresolved rejected record
    bool was_ongoing = false;      ///< it has a row in ongoing_engagements
    bool equals_stored = false;    ///< a scan of hashes, or an earlier partition, found an equal row
    bool is_unchanged = false;     ///< equals_stored, and this site is known to list it: nothing is written
    bool is_new_by_range = false;  ///< a scan of its time range did not find it

    MergePlan plan;

    const Engagement& engagement() const { return fetched->engagement; }
    const std::string& site() const { return fetched->site_id; }
    std::string_view id() const { return *fetched->engagement.id; }
    /// True if the engagement's own columns are written.
    bool writes_core() const { return plan.insert || plan.write_core; }
    /// True if the engagement is stored, and not known to be listed by this site.
    bool is_newly_listed() const { return !plan.insert && !site_known; }
};

/// Splits the engagements of the batches into partitions that are written one after the other. The items of a
/// partition are sorted by id, which is the order of locks, and their ids are distinct. If a batch has an id
/// twice, the later response is used. If several batches have an id, its items go into separate partitions,
/// in the order of the batches.
std::vector<std::vector<MergeItem>> partition_by_id(const std::vector<const Batch*>& batches);

/// The distinct sites whose listings the items come from; "" for details.
std::vector<std::string> sites_of(const std::vector<MergeItem>& items);

}  // namespace glia::postgres
