// The VerificationStore of the modelled database: compares records with it, and marks engagements that the
// source no longer has. Counterpart of sinks/postgres/verification_store.cpp.
#include <algorithm>

#include "sinks/timestamp.hpp"
#include "tests/simulation/model_database.hpp"

namespace simulation {
namespace {

// Few, so that a scan takes several pages.
constexpr std::size_t kStoredPage = 3;

/// A hash that no record has.
constexpr RecordHash kNoHash{};

}  // namespace

std::optional<RecordComparison> ModelDatabase::compare_one(const FetchedEngagement& record) const {
    using Finding = RecordComparison::Finding;
    const std::string id = record.engagement.id.str();
    RecordComparison comparison;
    const auto found = rows.find(id);
    if (found == rows.end()) {
        if (is_forgotten(record.engagement)) return std::nullopt;
        return comparison;
    }
    const Row& row = found->second;
    const auto& [core_at, legs_at] = std::pair(row.state.fetched_at, row.state.legs_fetched_at);
    comparison.newer = std::max(core_at, legs_at.value_or(core_at)) > record.fetched_at;
    comparison.version = to_text(core_at) + "/" + (legs_at ? to_text(*legs_at) : "") + "/" +
                         to_text(row.changed_at) + "/" + to_hex(row.state.core_hash);
    comparison.finding = Finding::different;
    if (row.missing_since || !same_core(row.core, record.engagement)) return comparison;
    if (!record.site_id.empty() && !row.sites.contains(record.site_id)) return comparison;
    if (legs_at && record.engagement.legs && row.legs != *record.engagement.legs) return comparison;
    comparison.finding = Finding::legs_unknown;
    if (!legs_at && !jobs(WorkKind::detail).contains({id, ""})) return comparison;
    return std::nullopt;
}

std::vector<RecordComparison> ModelDatabase::compare(const std::vector<FetchedEngagement>& records) {
    std::vector<RecordComparison> found;
    for (std::size_t i = 0; i < records.size(); ++i) {
        auto comparison = compare_one(records[i]);
        if (!comparison) continue;
        comparison->record = i;
        found.push_back(std::move(*comparison));
    }
    return found;
}

StoredPage ModelDatabase::stored(Instant from, Instant to, const std::vector<std::string>& asked,
                                 const std::optional<StoredCursor>& after) {
    const StoredCursor cursor = after.value_or(StoredCursor{std::nullopt, from - Seconds{1}, ""});
    const std::string first_site = cursor.first_site.value_or("");
    std::vector<std::pair<Instant, std::string>> page;
    OptionalText next_site;
    for (const auto& [id, row] : rows) {
        if (row.first_site > first_site && (!next_site || row.first_site < *next_site))
            next_site = row.first_site;
        const std::pair key{row.core.created_at, id};
        if (row.first_site == first_site && key.first >= from && key.first < to &&
            key > std::pair(cursor.created_at, cursor.id))
            page.push_back(key);
    }
    std::sort(page.begin(), page.end());
    const bool is_whole = page.size() < kStoredPage;
    if (!is_whole) page.resize(kStoredPage);
    StoredPage found;
    for (const auto& [created_at, id] : page) {
        const Row& row = rows.at(id);
        StoredListing listing{id, {}};
        for (const std::string& site : asked) {
            if (!row.missing_since && row.sites.contains(site)) listing.sites.push_back(site);
        }
        found.listings.push_back(std::move(listing));
    }
    if (!is_whole) found.next = StoredCursor{cursor.first_site, page.back().first, page.back().second};
    if (is_whole && next_site) found.next = StoredCursor{next_site, from - Seconds{1}, ""};
    return found;
}

std::vector<StoredIds> ModelDatabase::ids_in_ranges(const std::string& site,
                                                    const std::vector<StoredRange>& ranges) {
    std::vector<StoredIds> found;
    for (const StoredRange& range : ranges) {
        std::vector<std::pair<Instant, std::string>> keys;
        for (const auto& [id, row] : rows) {
            const std::pair key{row.core.created_at, id};
            if (row.first_site == site && !row.missing_since && key.first >= range.from &&
                key.first < range.to && key > std::pair(range.after, range.after_id))
                keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end());
        if (static_cast<std::int64_t>(keys.size()) > range.limit)
            keys.resize(static_cast<std::size_t>(range.limit));
        StoredIds ids;
        ids.is_last = static_cast<std::int64_t>(keys.size()) < range.limit;
        for (const auto& [created_at, id] : keys) {
            ids.ids.push_back(id);
            ids.after = created_at;
            ids.after_id = id;
        }
        found.push_back(std::move(ids));
    }
    return found;
}

void ModelDatabase::distrust(const std::vector<FetchedEngagement>& records) {
    for (const FetchedEngagement& record : records) {
        const auto found = rows.find(record.engagement.id.str());
        if (found == rows.end()) continue;
        Row& row = found->second;
        row.state.core_hash = kNoHash;
        row.state.list_hash.reset();
        if (row.state.legs_hash) row.state.legs_hash = kNoHash;
        if (!record.site_id.empty()) row.sites.insert(record.site_id);
    }
}

std::vector<std::string> ModelDatabase::mark_missing(const std::vector<GoneEngagement>& engagements) {
    if (on_missing) on_missing(engagements);
    std::vector<std::string> marked;
    for (const GoneEngagement& gone : engagements) {
        const auto found = rows.find(gone.engagement_id);
        if (found == rows.end()) continue;
        Row& row = found->second;
        if (row.missing_since || row.state.fetched_at > gone.asked_at) continue;
        row.missing_since = now;
        row.changed_at = now;
        row.state.fetched_at = gone.asked_at;
        row.state.core_hash = kNoHash;
        row.state.list_hash.reset();
        marked.push_back(gone.engagement_id);
    }
    return marked;
}

}  // namespace simulation
