// Writes what the plans of a partition say into the tables of engagements and their children.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/merge_item.hpp"
#include "sinks/postgres/stored_comparison.hpp"

namespace glia::postgres {

/// Plans and writes one partition. New engagements go in by COPY, changed ones by a statement that merges;
/// unchanged ones cost no write and no row lock. What another writer has changed meanwhile is planned again.
class PlanWriter {
  public:
    PlanWriter(Transaction& tx, StoredComparison& comparison, std::vector<MergeItem>& items)
        : tx_(tx), comparison_(comparison), items_(items), sites_(sites_of(items)) {}

    /// Leaves in each item the plan that was written. Throws RestartTransaction if a stored engagement has
    /// been erased meanwhile.
    void write() {
        insert_new();
        update_changed();
        add_sites();
    }

  private:
    void insert_new();
    void copy_new();
    void update_changed();
    std::set<std::string> update_rows(const std::vector<MergeItem*>& items);
    void replace_children(const std::vector<const MergeItem*>& items);
    void add_sites();
    std::vector<MergeItem*> all();

    Transaction& tx_;
    StoredComparison& comparison_;
    std::vector<MergeItem>& items_;
    std::vector<std::string> sites_;
};

}  // namespace glia::postgres
