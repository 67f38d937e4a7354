// Writes the plans of a partition into the tables of engagements and their children.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/merge_item.hpp"
#include "sinks/postgres/stored_comparison.hpp"

namespace glia::postgres {

/// Plans and writes one partition. New engagements are copied with COPY, changed ones are updated; unchanged
/// ones need no write and no row lock. Engagements that another writer has changed meanwhile are planned
/// again.
class PlanWriter {
  public:
    PlanWriter(Transaction& tx, StoredComparison& comparison, std::vector<MergeItem>& items)
        : tx_(tx), comparison_(comparison), items_(items), sites_(sites_of(items)) {}

    /// Sets each item's plan to the one that was written. Throws RestartTransaction if a stored engagement
    /// was erased meanwhile or changes too often.
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
    std::vector<MergeItem*> all_items();

    Transaction& tx_;
    StoredComparison& comparison_;
    std::vector<MergeItem>& items_;
    std::vector<std::string> sites_;
};

}  // namespace glia::postgres
