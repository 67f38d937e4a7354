#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <type_traits>

#include "sinks/directory_hash.hpp"
#include "sinks/postgres/checkpoint.hpp"
#include "sinks/postgres/directory_tables.hpp"
#include "sinks/postgres/name_history.hpp"
#include "sinks/postgres/operators.hpp"
#include "sinks/postgres/rejects.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/time_zone_names.hpp"

namespace glia::postgres {
namespace {

// Maximum rows per statement. Bounds the encoded size to a few MB.
constexpr std::size_t kRowsAtOnce = 1000;

/// How records of one kind are stored.
template <typename Entry>
struct Kind;
template <>
struct Kind<OperatorEntry> {
    using Table = OperatorEntryTable;
    static constexpr const char* kHistory = "operator";
    static std::string_view stored() { return sql::stored_operators; }
    static std::string_view upsert() { return sql::upsert_operators; }
};
template <>
struct Kind<SiteEntry> {
    using Table = SiteEntryTable;
    static constexpr const char* kHistory = "site";
    static std::string_view stored() { return sql::stored_sites; }
    static std::string_view upsert() { return sql::upsert_sites; }
};
template <>
struct Kind<QueueEntry> {
    using Table = QueueEntryTable;
    static constexpr const char* kHistory = "queue";
    static std::string_view stored() { return sql::stored_queues; }
    static std::string_view upsert() { return sql::upsert_listed_queues; }
};

/// The stored state of a record.
struct Stored {
    std::string hash;
    OptionalText name;  ///< the stored name, for queues only
    bool missing = false;
    bool configured = false;  ///< for sites only: the entry comes from the configuration
};

/// Returns the zone's name as this PostgreSQL knows it; none if it does not know the zone. With an unknown
/// name in the table, every query of the views would fail.
OptionalText known_time_zone(Transaction& tx, const std::string& zone) {
    std::vector<std::string> names{zone};
    if (auto other = other_iana_name(zone)) names.push_back(*std::move(other));
    std::set<std::string> known;
    for (const auto& row : tx.run(sql::known_time_zones, {array(names)})) known.insert(row[0].c_str());
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const std::string& name) { return known.contains(name); });
    return found == names.end() ? std::nullopt : OptionalText{*found};
}

/// Writes one listing within a transaction.
class ListingWriter {
  public:
    ListingWriter(Transaction& tx, const SiteTarget& lease, const DirectoryListing& listing)
        : tx_(tx), lease_(lease), listing_(listing), fetched_at_(listing.fetched_at) {}

    DirectoryCounts write() {
        const DirectoryRecords& records = listing_.records;
        const std::vector<OperatorEntry>& not_forgotten = without_forgotten(records.operators);
        const auto operators = write_entries(not_forgotten);
        const auto sites = write_entries(records.sites);
        auto queues = records.queues;
        for (QueueEntry& queue : queues) {
            if (!queue.site_id) queue.site_id = lease_.site_id;
        }
        const auto of_site = write_entries(queues);
        if (lease_.stream == Stream::operators) link_operators(not_forgotten, operators);
        if (lease_.stream == Stream::queues) mark_queues(of_site);
        return counts_;
    }
    /// Writes a site's entry from the configuration.
    void write_configured(const SiteEntry& site) {
        const auto known = tx_.run(sql::stored_sites, {array(std::vector<std::string>{*site.id})});
        if (!known.empty() && !truth(known[0], "configured")) return;
        fetched_at_.reset();
        write_entries(std::vector<SiteEntry>{site});
    }

  private:
    using StoredById = std::map<std::string, Stored, std::less<>>;

    /// Returns the entries that were not forgotten, and erases the stored rows of the others: an imported
    /// tombstone has no id, so they are found only now.
    const std::vector<OperatorEntry>& without_forgotten(const std::vector<OperatorEntry>& entries) {
        std::vector<std::string> ids;
        for (const OperatorEntry& entry : entries) ids.push_back(*entry.id);
        if (ids.empty()) return entries;
        const auto forgotten = forgotten_operators(tx_, ids);
        if (forgotten.empty()) return entries;
        erase_operators(tx_, {forgotten.begin(), forgotten.end()});
        std::copy_if(entries.begin(), entries.end(), std::back_inserter(not_forgotten_),
                     [&](const OperatorEntry& entry) { return !forgotten.contains(*entry.id); });
        return not_forgotten_;
    }

    template <typename Entry>
    StoredById write_entries(const std::vector<Entry>& entries) {
        StoredById before;
        std::map<std::string, const Entry*> by_id;  // the last record of an id is used
        for (const Entry& entry : entries) by_id[*entry.id] = &entry;
        std::vector<const Entry*> chunk;
        for (auto at = by_id.begin(); at != by_id.end();) {
            chunk.clear();
            for (; at != by_id.end() && chunk.size() < kRowsAtOnce; ++at) chunk.push_back(at->second);
            write_chunk<Entry>(chunk, before);
        }
        return before;
    }

    template <typename Entry>
    void write_chunk(std::span<const Entry* const> chunk, StoredById& before) {
        read_stored<Entry>(chunk, before);
        using Table = typename Kind<Entry>::Table;
        Rows rows(Table::table(), Rows::Encoding::json);
        std::map<std::string, const Entry*> changed;
        for (const Entry* entry : chunk) {
            const RecordHash hash = directory_hash(*entry);
            const auto stored = before.find(*entry->id);
            const bool known = stored != before.end();
            if (known && stored->second.hash == to_bytea(hash) && !has_other_name(*entry, stored->second) &&
                !replaces_configured(stored->second)) {
                ++counts_.unchanged;
                continue;
            }
            ++(known ? counts_.changed : counts_.inserted);
            add_row(rows, *entry, hash);
            changed.emplace(*entry->id, entry);
        }
        if (changed.empty()) return;
        Params params{std::move(rows).finished()};
        if constexpr (!std::is_same_v<Entry, QueueEntry>) params.emplace_back(tx_.began_at());
        CurrentNames current;
        for (const auto& row : tx_.run(Kind<Entry>::upsert(), params)) {
            const OptionalText id = text(row, "id");
            current.ids.emplace_back(id);
            current.names.emplace_back(changed.at(*id)->name);
            current.since.push_back(valid_from());
        }
        record_names(tx_, Kind<Entry>::kHistory, current);
    }

    template <typename Entry>
    void read_stored(std::span<const Entry* const> chunk, StoredById& before) {
        std::vector<Param> ids;
        for (const Entry* entry : chunk) ids.emplace_back(entry->id);
        for (const auto& row : tx_.run(Kind<Entry>::stored(), {array(ids)})) {
            Stored stored{text(row, "content_hash").value_or(""), {}, false};
            if constexpr (std::is_same_v<Entry, QueueEntry>) stored.name = text(row, "name");
            if constexpr (std::is_same_v<Entry, SiteEntry>) {
                stored.configured = truth(row, "configured");
            } else {
                stored.missing = truth(row, "missing");
            }
            before.emplace(*text(row, "id"), std::move(stored));
        }
    }

    /// True for a queue whose stored name differs, because it came from an engagement.
    template <typename Entry>
    static bool has_other_name(const Entry& entry, const Stored& stored) {
        if constexpr (!std::is_same_v<Entry, QueueEntry>) return false;
        return entry.name && entry.name != stored.name;
    }
    /// True if the API's entry replaces one from the configuration, even an equal one: otherwise a changed
    /// configuration would overwrite it later.
    bool replaces_configured(const Stored& stored) const { return stored.configured && fetched_at_; }

    void add_row(Rows& rows, const OperatorEntry& entry, const RecordHash& hash) const {
        OperatorEntryTable::add(rows, entry, {fetched_at_, hash});
    }
    void add_row(Rows& rows, const QueueEntry& entry, const RecordHash& hash) const {
        QueueEntryTable::add(rows, entry, {fetched_at_, hash});
    }
    void add_row(Rows& rows, SiteEntry entry, const RecordHash& hash) {
        if (entry.iana_time_zone) entry.iana_time_zone = known_time_zone(tx_, *entry.iana_time_zone);
        SiteEntryTable::add(rows, entry, {fetched_at_, hash});
    }
    Param valid_from() const { return fetched_at_ ? to_text(*fetched_at_) : tx_.began_at(); }

    /// Returns the ids of the rows that are marked as missing.
    static std::vector<std::string> missing_of(const StoredById& stored) {
        std::vector<std::string> ids;
        for (const auto& [id, row] : stored) {
            if (row.missing) ids.push_back(id);
        }
        return ids;
    }

    void link_operators(const std::vector<OperatorEntry>& entries, const StoredById& before) {
        std::set<std::string> listed_before, listed;
        for (const auto& row : tx_.run(sql::operators_of_site, {lease_.site_id}))
            listed_before.insert(*text(row, "operator_id"));
        for (const OperatorEntry& entry : entries) listed.insert(*entry.id);
        std::vector<std::string> added, gone;
        std::set_difference(listed.begin(), listed.end(), listed_before.begin(), listed_before.end(),
                            std::back_inserter(added));
        if (listing_.every_record_known())
            std::set_difference(listed_before.begin(), listed_before.end(), listed.begin(), listed.end(),
                                std::back_inserter(gone));
        std::vector<std::string> affected = missing_of(before);
        affected.insert(affected.end(), added.begin(), added.end());
        affected.insert(affected.end(), gone.begin(), gone.end());
        if (affected.empty()) return;
        tx_.run(sql::lock_operators, {array(affected)});
        affected.resize(affected.size() - gone.size());
        if (!added.empty()) tx_.run(sql::add_operator_sites, {array(added), lease_.site_id});
        if (!affected.empty())
            counts_.returned = tx_.write(sql::clear_operators_missing, {array(affected), tx_.began_at()});
        if (gone.empty()) return;
        tx_.run(sql::drop_operator_sites, {array(gone), lease_.site_id});
        counts_.missing = tx_.write(sql::mark_operators_missing, {array(gone), tx_.began_at()});
    }

    void mark_queues(const StoredById& before) {
        const auto back = missing_of(before);
        if (!back.empty()) counts_.returned = tx_.write(sql::clear_queues_missing, {array(back)});
        if (!listing_.every_record_known()) return;
        std::set<std::string> listed;
        for (const QueueEntry& entry : listing_.records.queues) listed.insert(*entry.id);
        std::vector<std::string> gone;
        for (const auto& row : tx_.run(sql::queues_of_site, {lease_.site_id})) {
            if (!listed.contains(*text(row, "id"))) gone.push_back(*text(row, "id"));
        }
        if (!gone.empty())
            counts_.missing =
                tx_.write(sql::mark_queues_missing, {array(gone), tx_.began_at(), lease_.site_id});
    }

    Transaction& tx_;
    const SiteTarget& lease_;
    const DirectoryListing& listing_;
    OptionalInstant fetched_at_;  // none: from the configuration
    std::vector<OperatorEntry> not_forgotten_{};
    DirectoryCounts counts_;
};

class PostgresDirectoryStore final : public DirectoryStore {
  public:
    explicit PostgresDirectoryStore(Connection& connection) : connection_(connection) {}

    bool keeps_directory() const override { return true; }

    DirectoryCounts commit_listing(const SiteTarget& lease, const DirectoryListing& listing) override {
        return connection_.query([&](Transaction& tx) {
            fence(static_cast<std::int64_t>(
                      tx.run(sql::directory_complete,
                             {lease.site_id, param(lease.epoch), name_of(lease.stream),
                              param(listing.next_in.count()), to_text(listing.fetched_at),
                              param(listing.pages), param(static_cast<std::int64_t>(listing.records.size())),
                              param(static_cast<std::int64_t>(listing.rejected.size())),
                              param(listing.requests)})
                          .size()),
                  describe(lease));
            replace_rejected(tx, lease.site_id, name_of(lease.stream), listing.rejected);
            return ListingWriter(tx, lease, listing).write();
        });
    }

    bool refuse_listing(const SiteTarget& lease, const DirectoryRefusal& refusal) override {
        return connection_.query([&](Transaction& tx) {
            tx.run(sql::lock_refusals, {name_of(lease.stream)});
            const auto released =
                tx.run(sql::directory_refused,
                       {lease.site_id, param(lease.epoch), name_of(lease.stream),
                        param(refusal.retry_in.count()), refusal.error, param(refusal.warn_every.count())});
            if (released.empty()) return false;
            if (refusal.configured)
                ListingWriter(tx, lease, DirectoryListing{}).write_configured(*refusal.configured);
            return truth(released[0], "warn");
        });
    }

    bool knows_time_zone(const std::string& iana_name) override {
        return connection_.query([&](Transaction& tx) { return known_time_zone(tx, iana_name).has_value(); });
    }

    std::map<std::string, std::string> site_names(const std::vector<std::string>& ids) override {
        return connection_.query([&](Transaction& tx) {
            std::map<std::string, std::string> names;
            for (const auto& row : tx.run(sql::site_names, {array(ids)}))
                names.emplace(*text(row, "id"), *text(row, "name"));
            return names;
        });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<DirectoryStore> make_directory_store(Connection& connection) {
    return std::make_unique<PostgresDirectoryStore>(connection);
}

}  // namespace glia::postgres
