#include <map>

#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/record_comparison.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

// Rows per page of stored(). Bounds a page to a few MB.
constexpr std::size_t kStoredPage = 10'000;
// Rows checked per call of prune(). Successive calls go through the table and start over, so a small number
// suffices, and rows that stay do not block the rows after them.
constexpr std::int64_t kPrunedPage = 2'000;

class PostgresVerificationStore final : public VerificationStore {
  public:
    explicit PostgresVerificationStore(Connection& connection) : connection_(connection) {}

    std::vector<RecordComparison> compare(const std::vector<FetchedEngagement>& records) override {
        // The statements have to see one state. Otherwise legs that are committed between two of them look
        // lost, because the job that fetches them is removed with them.
        const auto compare_all = [&](Transaction& tx) { return compare_records(tx, records); };
        return connection_.query(compare_all, Isolation::snapshot);
    }

    StoredPage stored(Instant from, Instant to, const std::vector<std::string>& sites,
                      const std::optional<StoredCursor>& after) override {
        return connection_.query([&](Transaction& tx) {
            // Engagements without a known first site come first.
            StoredPage page;
            page.next = after.value_or(StoredCursor{std::nullopt, from - Seconds{1}, ""});
            while (page.next && page.listings.size() < kStoredPage)
                read_stored(tx, StoredRange{from, to, page.next->created_at, page.next->id, kStoredPage},
                            sites, page);
            return page;
        });
    }

    std::vector<StoredIds> ids_in_ranges(const std::string& site,
                                         const std::vector<StoredRange>& ranges) override {
        return connection_.query([&](Transaction& tx) {
            // One statement per range: Citus does not support a single one with a limit for each range.
            std::vector<StoredIds> found;
            for (const StoredRange& range : ranges) found.push_back(ids_in_range(tx, site, range));
            return found;
        });
    }

    std::vector<QueueNameSource> queue_name_sources(Instant from, Instant to) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<QueueNameSource> sources;
            for (const auto& row :
                 tx.run(sql::queue_name_sources, {to_text(from), to_text(to), array(first_sites(tx))}))
                sources.push_back({row["id"].c_str(), *instant(row, "created_at")});
            return sources;
        });
    }

    void distrust(const std::vector<FetchedEngagement>& records) override {
        std::map<std::string, std::string> sites;
        std::vector<std::string> ids;
        for (const FetchedEngagement& record : records) {
            ids.push_back(record.engagement.id.str());
            sites[ids.back()] = record.site_id;
        }
        connection_.transact([&](Transaction& tx) {
            std::map<std::string, std::vector<std::string>> stored;  // by site
            for (const auto& row : tx.run(sql::distrust_engagements, {array(ids)}))
                stored[sites.at(row[0].c_str())].emplace_back(row[0].c_str());
            // Restores rows of engagement_sites. A commit would not do that for the first site: it trusts
            // first_site_id.
            for (const auto& [site, engagements] : stored) {
                if (!site.empty()) tx.run(sql::add_sites, {array(engagements), site});
            }
        });
    }

    std::vector<std::string> mark_missing(const std::vector<GoneEngagement>& engagements) override {
        std::vector<std::string> ids;
        std::vector<Param> asked_at;
        for (const GoneEngagement& gone : engagements) {
            ids.push_back(gone.engagement_id);
            asked_at.push_back(to_text(gone.asked_at));
        }
        return connection_.query([&](Transaction& tx) {
            std::vector<std::string> marked;
            for (const auto& row :
                 tx.run(sql::mark_engagements_missing, {array(ids), array(asked_at), tx.began_at()}))
                marked.emplace_back(row[0].c_str());
            return marked;
        });
    }

    void record(const VerifiedDay& day) override {
        std::vector<std::string> sites;
        std::vector<Param> listed, stored, missing, different, gone, repaired, legs_read;
        for (const auto& [site, counts] : day.sites) {
            sites.push_back(site);
            listed.push_back(param(counts.listed));
            stored.push_back(param(counts.stored));
            missing.push_back(param(counts.missing));
            different.push_back(param(counts.different));
            gone.push_back(param(counts.gone));
            repaired.push_back(param(counts.repaired));
            legs_read.push_back(param(counts.legs_read));
        }
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::add_verifications,
                   {to_text(day.range_from), to_text(day.range_to), to_text(day.day), array(sites),
                    array(listed), array(stored), array(missing), array(different), array(gone),
                    array(repaired), array(legs_read)});
        });
    }

    void prune(Seconds keep) override {
        connection_.transact([&](Transaction& tx) {
            const auto next = tx.run(sql::prune_verifications,
                                     {param(keep.count()), param(pruned_through_), param(kPrunedPage)});
            pruned_through_ = next[0][0].is_null() ? 0 : next[0][0].as<std::int64_t>();
        });
    }

  private:
    /// Appends engagements of one first site from page.next on, and advances page.next: within that site, to
    /// the next first site, or to none.
    static void read_stored(Transaction& tx, const StoredRange& range, const std::vector<std::string>& sites,
                            StoredPage& page) {
        enum Column { kId, kCreatedAt, kSite };
        const OptionalText first_site = page.next->first_site;
        Params params{to_text(range.from), to_text(range.to), to_text(range.after),
                      range.after_id,      array(sites),      param(range.limit)};
        if (first_site) params.insert(params.begin(), *first_site);
        const auto rows = tx.run(first_site ? sql::stored_of_sites : sql::stored_unlisted, params);
        std::int64_t engagements = 0;
        for (const auto& row : rows) {
            const char* id = row[kId].c_str();
            if (engagements == 0 || page.listings.back().engagement_id != id) {
                page.listings.push_back({id, {}});
                ++engagements;
            }
            if (!row[kSite].is_null()) page.listings.back().sites.emplace_back(row[kSite].c_str());
        }
        if (engagements == range.limit) {
            page.next->created_at =
                Instant{std::chrono::microseconds{rows.back()[kCreatedAt].as<std::int64_t>()}};
            page.next->id = rows.back()[kId].c_str();
            return;
        }
        const OptionalText site = next_first_site(tx, first_site.value_or(""));
        page.next.reset();
        if (site) page.next = StoredCursor{site, range.from - Seconds{1}, ""};
    }
    static StoredIds ids_in_range(Transaction& tx, const std::string& site, const StoredRange& range) {
        // By position: a lookup by name costs more than reading the rest of the row.
        enum Column { kId, kCreatedAt, kGone };
        const auto rows =
            tx.run(sql::ids_of_site, {site, to_text(range.from), to_text(range.to), to_text(range.after),
                                      range.after_id, param(range.limit)});
        StoredIds found;
        found.is_last = static_cast<std::int64_t>(rows.size()) < range.limit;
        for (const auto& row : rows) {
            if (*row[kGone].c_str() != 't') found.ids.emplace_back(row[kId].c_str());
        }
        if (rows.empty()) return found;
        found.after = Instant{std::chrono::microseconds{rows.back()[kCreatedAt].as<std::int64_t>()}};
        found.after_id = rows.back()[kId].c_str();
        return found;
    }

    Connection& connection_;
    std::int64_t pruned_through_ = 0;  // the id after which the next prune() begins
};

}  // namespace

std::unique_ptr<VerificationStore> make_verification_store(Connection& connection) {
    return std::make_unique<PostgresVerificationStore>(connection);
}

}  // namespace glia::postgres
