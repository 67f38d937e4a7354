// Finds what a commit has to change in the stored rows. No other class decides this (DESIGN.md §3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/merge_item.hpp"
#include "sinks/postgres/range_scan.hpp"

namespace glia::postgres {

/// Compares the partitions of one transaction with the tables and plans what to write. Takes no row lock.
///
/// A lookup by id (plan_by_id) is always correct but takes most of a commit's time. Two scans make it
/// unnecessary for most items: drop_unchanged() when a listing is read again, and assume_new_by_range() when
/// a backfill fills an empty range.
class StoredComparison {
  public:
    StoredComparison(Transaction& tx, ScanMemory& scans, std::vector<CommitCounts>& counts)
        : tx_(tx), scans_(scans), counts_(counts) {}

    /// Removes and counts the items that need no write: those equal to stored rows, and those with a
    /// tombstone. `is_first`: true for the first partition. Later partitions repeat ids of earlier ones and
    /// are compared with them.
    void drop_unwritten(std::vector<MergeItem>& items, bool is_first);

    /// Reads the items by id and plans each.
    void plan_by_id(const std::vector<MergeItem*>& items, const std::vector<std::string>& sites);

    /// The database has refused an item that was assumed to be new: looks up all items by id from now on.
    void distrust_range_scan(std::vector<MergeItem>& items);

  private:
    void drop_unchanged(std::vector<MergeItem>& items, const std::vector<std::string>& sites, bool is_first);
    void compare_by_hash_scan(std::vector<MergeItem>& items);
    void exclude_ongoing_and_rejected(std::vector<MergeItem>& items);
    void mark_known_sites(std::vector<MergeItem>& items, const std::string& site);
    bool repeats_unchanged_item(const MergeItem& item) const;
    void drop_forgotten(std::vector<MergeItem>& items);
    void assume_new_by_range(std::vector<MergeItem>& items, const std::vector<std::string>& sites);
    void read_stored(const std::vector<MergeItem*>& items, const std::string& site);
    bool any_tombstone();

    Transaction& tx_;
    ScanMemory& scans_;
    std::vector<CommitCounts>& counts_;
    /// Items that earlier partitions found unchanged, by id. The batches own the ids.
    std::unordered_map<std::string_view, IncomingState> unchanged_;
    std::optional<bool> any_tombstone_;
    std::size_t rows_scanned_ = 0;  // by the hash scans
};

}  // namespace glia::postgres
