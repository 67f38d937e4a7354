// The part of the modelled database that keeps the operators (sinks/postgres/directory_store.cpp).
#include <algorithm>

#include "sinks/commit_invariants.hpp"
#include "sinks/directory_hash.hpp"
#include "tests/simulation/model_database.hpp"

namespace simulation {

/// Writes names like close_names and open_names in sinks/postgres/sql/directory.sql.
void ModelDatabase::write_name(const std::string& id, const OptionalText& name, Instant at) {
    std::vector<Name>& all = names[id];
    const auto open = std::find_if(all.begin(), all.end(), [](const Name& one) { return !one.valid_to; });
    if (open != all.end()) {
        if (open->name == name) return;
        open->valid_to = std::max(open->valid_from, at);
    }
    if (!name) return;
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const Name& one) { return one.valid_from == at; });
    if (same == all.end()) {
        all.push_back({at, std::nullopt, *name});
    } else {
        *same = {at, std::nullopt, *name};
    }
}

DirectoryCounts ModelDatabase::commit_listing(const SiteTarget& lease, const DirectoryListing& listing) {
    check_epoch(lease.epoch);
    Site& site = stream_of(lease);
    if (site.lease_epoch != lease.epoch)
        throw SinkError(SinkError::Kind::lease_lost, "the lease on a listing has passed to another instance");
    site.lease_owner.clear();
    site.next_poll_at = now + listing.next_in;
    site.failures = 0;
    DirectoryCounts counts;
    std::map<std::string, const OperatorEntry*> listed;
    for (const OperatorEntry& entry : listing.records.operators) listed[*entry.id] = &entry;
    for (const auto& [id, entry] : listed) {
        const auto [row, is_new] = operators.try_emplace(id);
        StoredOperator& stored = row->second;
        if (!is_new && directory_hash(stored.entry) == directory_hash(*entry)) {
            ++counts.unchanged;
        } else {
            ++(is_new ? counts.inserted : counts.changed);
            if (is_new || stored.fetched_at <= listing.fetched_at) {
                stored.entry = *entry;
                stored.fetched_at = listing.fetched_at;
                write_name(id, entry->name, listing.fetched_at);
            }
        }
        if (stored.missing_since) ++counts.returned;
        stored.missing_since.reset();
        stored.sites.insert(lease.site_id);
    }
    if (!listing.every_record_known()) return counts;
    for (auto& [id, stored] : operators) {
        if (listed.contains(id) || stored.sites.erase(lease.site_id) == 0) continue;
        if (on_operator_gone) on_operator_gone(lease, id);
        if (!stored.sites.empty()) continue;
        stored.missing_since = now;
        ++counts.missing;
    }
    return counts;
}

bool ModelDatabase::refuse_listing(const SiteTarget& lease, const DirectoryRefusal& refusal) {
    Site& site = stream_of(lease);
    if (site.lease_epoch != lease.epoch || site.lease_owner.empty()) return false;
    site.lease_owner.clear();
    site.next_poll_at = now + refusal.retry_in;
    site.failures = 0;
    return true;
}

}  // namespace simulation
