#include "sinks/postgres/stored_comparison.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "sinks/engagement_plan.hpp"
#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstone_lookup.hpp"

namespace glia::postgres {
namespace {

// Columns of stored_states by position: a lookup by name costs more than the rest of the row.
enum StateColumn { kId, kCoreHash, kListHash, kLegsHash, kFetchedAt, kLegsFetchedAt, kSiteKnown };

/// The bytes of a bytea in text form; empty for NULL.
std::string bytes_of(std::string_view bytea) {
    return bytea.starts_with("\\x") ? from_hex(bytea.substr(2)).value_or("") : "";
}

std::optional<RecordHash> hash_at(const pqxx::row& row, StateColumn column) {
    return row[column].is_null() ? std::nullopt : record_hash_from_bytea(row[column].c_str());
}

OptionalInstant instant_at(const pqxx::row& row, StateColumn column) {
    if (row[column].is_null()) return std::nullopt;
    return Instant{std::chrono::microseconds{row[column].as<std::int64_t>()}};
}

bool is_true_at(const pqxx::row& row, int column) {
    return *row[column].c_str() == 't';
}

StoredState stored_state(const pqxx::row& row) {
    StoredState state;
    state.core_hash = hash_at(row, kCoreHash).value_or(RecordHash{});
    state.list_hash = hash_at(row, kListHash);
    state.legs_hash = hash_at(row, kLegsHash);
    state.fetched_at = instant_at(row, kFetchedAt).value_or(Instant{});
    state.legs_fetched_at = instant_at(row, kLegsFetchedAt);
    return state;
}

/// A range of creation times and the number of items in it.
struct TimeRange {
    Instant earliest = Instant::max(), latest = Instant::min();
    std::size_t items = 0;

    void add(const MergeItem& item) {
        earliest = std::min(earliest, item.engagement().created_at);
        latest = std::max(latest, item.engagement().created_at);
        ++items;
    }
};

bool is_listed(const MergeItem& item) {
    return item.incoming.source == RecordSource::list && !item.site().empty();
}

/// Items by a key, to match the rows of a result.
using ItemsByKey = std::unordered_map<std::string_view, MergeItem*>;

/// Items to look up in the database, by id.
struct ItemLookup {
    ItemsByKey by_id;
    std::vector<std::string> ids;

    void add(MergeItem& item) {
        by_id[item.id()] = &item;
        ids.emplace_back(item.id());
    }
    MergeItem& item(const pqxx::row& row) const { return *by_id.at(row[0].c_str()); }
};

}  // namespace

void StoredComparison::drop_unwritten(std::vector<MergeItem>& items, bool is_first) {
    const std::vector<std::string> sites = sites_of(items);
    drop_unchanged(items, sites, is_first);
    // The remaining items may be written, which invalidates what earlier partitions found about them.
    for (const MergeItem& item : items) unchanged_.erase(item.id());
    if (!items.empty() && any_tombstone()) drop_forgotten(items);
    if (is_first) assume_new_by_range(items, sites);
}

/// Drops items whose hashes equal the stored ones: one index scan per site instead of a lookup per id.
void StoredComparison::drop_unchanged(std::vector<MergeItem>& items, const std::vector<std::string>& sites,
                                      bool is_first) {
    if (is_first) {
        compare_by_hash_scan(items);
        exclude_ongoing_and_rejected(items);
    } else {
        for (MergeItem& item : items) item.equals_stored = repeats_unchanged_item(item);
    }
    for (const std::string& site : sites) mark_known_sites(items, site);
    std::erase_if(items, [&](const MergeItem& item) {
        if (!item.is_unchanged) return false;
        ++counts_[item.batch_index].unchanged;
        unchanged_.emplace(item.id(), item.incoming);
        return true;
    });
}

/// For each site, scans the hashes of the engagements that it listed first and that were created in the time
/// range of its items. Marks the items, of any site, whose hashes equal a scanned row's.
void StoredComparison::compare_by_hash_scan(std::vector<MergeItem>& items) {
    std::map<std::string_view, TimeRange> ranges;
    for (const MergeItem& item : items) {
        if (is_listed(item)) ranges[item.site()].add(item);
    }
    ItemsByKey by_hash;
    for (const auto& [site, range] : ranges) {
        if (range.items < scans_.thresholds.min_rows_for_hash_scan) continue;
        const auto rows =
            tx_.run(sql::stored_hashes, {std::string(site), to_text(range.earliest), to_text(range.latest),
                                         std::to_string(2 * range.items)});
        const std::string hashes = bytes_of(rows[0][0].c_str());
        if (!hashes.empty() && by_hash.empty()) {
            for (MergeItem& item : items) {
                if (is_listed(item)) by_hash[item.incoming.core_hash.bytes()] = &item;
            }
        }
        constexpr std::size_t kHash = sizeof(RecordHash);
        for (std::string_view rest = hashes; rest.size() >= 2 * kHash; rest.remove_prefix(2 * kHash)) {
            ++rows_scanned_;
            const auto found = by_hash.find(rest.substr(0, kHash));
            if (found == by_hash.end()) continue;
            MergeItem& item = *found->second;
            const auto& legs = item.incoming.legs_hash;
            item.equals_stored = !legs || legs->bytes() == rest.substr(kHash, kHash);
            item.is_unchanged = item.equals_stored && item.site() == site;
        }
    }
}

/// An ongoing engagement, or one with an open reject, needs a plan even if its row stays as it is.
void StoredComparison::exclude_ongoing_and_rejected(std::vector<MergeItem>& items) {
    ItemLookup lookup;
    for (MergeItem& item : items) {
        if (item.equals_stored) lookup.add(item);
    }
    if (lookup.ids.empty()) return;
    for (const auto& row : tx_.run(sql::ongoing_and_rejected, {array(lookup.ids)})) {
        MergeItem& item = lookup.item(row);
        item.equals_stored = item.is_unchanged = false;
    }
}

/// An item that equals a stored row, but that another site listed first, is unchanged only if the row is
/// known to be listed by this site as well.
void StoredComparison::mark_known_sites(std::vector<MergeItem>& items, const std::string& site) {
    ItemLookup lookup;
    for (MergeItem& item : items) {
        if (item.equals_stored && !item.is_unchanged && item.site() == site) lookup.add(item);
    }
    if (lookup.ids.empty() || lookup.ids.size() < scans_.thresholds.min_rows_for_hash_scan) return;
    for (const auto& row : tx_.run(sql::listed_before, {array(lookup.ids), site})) {
        lookup.item(row).is_unchanged = true;
    }
}

/// True if an earlier partition found an item with this id and content unchanged.
bool StoredComparison::repeats_unchanged_item(const MergeItem& item) const {
    const auto before = unchanged_.find(item.id());
    if (before == unchanged_.end() || item.incoming.source != RecordSource::list) return false;
    const IncomingState &stored = before->second, &now = item.incoming;
    return now.core_hash == stored.core_hash && (!now.legs_hash || now.legs_hash == stored.legs_hash);
}

bool StoredComparison::any_tombstone() {
    if (!any_tombstone_) any_tombstone_ = postgres::any_tombstone(tx_);
    return *any_tombstone_;
}

void StoredComparison::drop_forgotten(std::vector<MergeItem>& items) {
    TombstoneLookup tombstones;
    for (const MergeItem& item : items) tombstones.add(item.engagement());
    const std::set<std::size_t> forgotten = tombstones.forgotten(tx_);
    std::size_t number = 0;
    std::erase_if(items, [&](const MergeItem& item) {
        if (!forgotten.contains(number++)) return false;
        ++counts_[item.batch_index].forgotten;
        return true;
    });
}

/// If few rows are stored in the items' time range, as in a backfill, one scan of the range finds which items
/// are new. The scan can be wrong: the API may now send another created_at, or another writer may insert
/// first. Then the COPY fails on the primary key, and all items are looked up by id.
void StoredComparison::assume_new_by_range(std::vector<MergeItem>& items,
                                           const std::vector<std::string>& sites) {
    if (items.empty() || items.size() < scans_.thresholds.min_rows_for_range_scan) return;
    if (4 * rows_scanned_ > items.size() || any_tombstone()) return;
    TimeRange range;
    for (const MergeItem& item : items) {
        if (item.incoming.source != RecordSource::list) return;
        range.add(item);
    }
    if (!scans_.backoff.should_scan()) return;
    if (scans_.first_sites.empty()) scans_.first_sites = first_sites(tx_);
    for (const std::string& site : sites) {
        auto& known = scans_.first_sites;
        if (std::find(known.begin(), known.end(), site) == known.end()) known.push_back(site);
    }
    const auto rows = tx_.run(sql::ids_in_range, {to_text(range.earliest), to_text(range.latest),
                                                  std::to_string(items.size()), array(scans_.first_sites)});
    const bool helped = static_cast<std::size_t>(rows.size()) < items.size();
    scans_.backoff.record(helped);
    if (!helped) return;
    std::unordered_set<std::string_view> stored;
    for (const auto& row : rows) stored.insert(row[0].c_str());
    for (MergeItem& item : items) item.is_new_by_range = !stored.contains(item.id());
}

void StoredComparison::distrust_range_scan(std::vector<MergeItem>& items) {
    for (MergeItem& item : items) item.is_new_by_range = false;
    scans_.first_sites.clear();
}

void StoredComparison::plan_by_id(const std::vector<MergeItem*>& items,
                                  const std::vector<std::string>& sites) {
    for (MergeItem* item : items) {
        item->stored.reset();
        item->site_known = false;
        item->has_open_reject = false;
        item->was_ongoing = false;
    }
    for (const std::string& site : sites) read_stored(items, site);
    ItemLookup stored;
    for (MergeItem* item : items) {
        if (item->stored) stored.add(*item);
    }
    if (!stored.ids.empty()) {
        for (const auto& row : tx_.run(sql::ongoing_and_rejected, {array(stored.ids)})) {
            MergeItem& item = stored.item(row);
            (is_true_at(row, 1) ? item.was_ongoing : item.has_open_reject) = true;
        }
    }
    for (MergeItem* item : items)
        item->plan = plan_engagement(item->stored, item->engagement(), item->incoming);
}

/// Reads the stored state of this site's items, except items that are assumed to be new.
void StoredComparison::read_stored(const std::vector<MergeItem*>& items, const std::string& site) {
    ItemLookup lookup, of_other_sites;
    for (MergeItem* item : items) {
        if (item->site() == site && !item->is_new_by_range) lookup.add(*item);
    }
    if (lookup.ids.empty()) return;
    for (const auto& row : tx_.run(sql::stored_states, {array(lookup.ids), site})) {
        MergeItem& item = lookup.item(row);
        item.stored = stored_state(row);
        item.stored_core_hash = item.stored->core_hash;
        item.site_known = is_true_at(row, kSiteKnown);
        if (!item.site_known) of_other_sites.add(item);
    }
    if (of_other_sites.ids.empty()) return;
    for (const auto& row : tx_.run(sql::listed_before, {array(of_other_sites.ids), site}))
        of_other_sites.item(row).site_known = true;
}

}  // namespace glia::postgres
