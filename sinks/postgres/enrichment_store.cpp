#include <map>

#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

// Engagements read per statement, which takes a fraction of a second.
constexpr std::int64_t kEngagementsPerRead = 5000;

/// The parameters of enqueue_missed(), one array for each member.
struct MissedItems {
    std::vector<std::string> engagements, items;
    std::vector<Param> created, fetched, changed;

    void add(const pqxx::row& engagement, const std::string& item) {
        engagements.push_back(*text(engagement, "id"));
        items.push_back(item);
        created.push_back(text(engagement, "created_at"));
        fetched.push_back(text(engagement, "fetched_at"));
        changed.push_back(text(engagement, "changed_at"));
    }
};

void add_recordings(Transaction& tx, const pqxx::result& found, MissedItems& missed) {
    std::map<std::string, pqxx::row> by_id;
    std::vector<std::string> ids;
    for (const auto& row : found) {
        ids.push_back(*text(row, "id"));
        by_id.emplace(ids.back(), row);
    }
    if (ids.empty()) return;
    for (const auto& recording : tx.run(sql::recordings_of, {array(ids)}))
        missed.add(by_id.at(*text(recording, "engagement_id")), *text(recording, "url"));
}

class PostgresEnrichmentStore final : public EnrichmentStore {
  public:
    explicit PostgresEnrichmentStore(Connection& connection) : connection_(connection) {}

    std::optional<MissedCursor> enqueue_missed(WorkKind kind,
                                               const std::optional<MissedCursor>& after) override {
        return connection_.query([&](Transaction& tx) {
            std::optional<MissedCursor> next;
            const std::string since = *text(tx.run(sql::missed_since, {name_of(kind)})[0], "since");
            const auto found = tx.run(sql::missed_engagements,
                                      {since, after ? after->changed_at : since,
                                       after ? after->engagement_id : "", param(kEngagementsPerRead)});
            if (static_cast<std::int64_t>(found.size()) == kEngagementsPerRead)
                next = MissedCursor{*text(found.back(), "changed_at"), *text(found.back(), "id")};
            MissedItems missed;
            if (kind == WorkKind::recording) {
                add_recordings(tx, found, missed);
            } else {
                for (const auto& row : found) {
                    if (truth(row, "has_legs")) missed.add(row, "");
                }
            }
            if (missed.engagements.empty()) return next;
            tx.run(sql::enqueue_missed,
                   {name_of(kind), array(missed.engagements), array(missed.items), array(missed.created),
                    array(missed.fetched), array(missed.changed)});
            return next;
        });
    }

    void record_enqueued(WorkKind kind, Seconds ago) override {
        connection_.transact(
            [&](Transaction& tx) { tx.run(sql::queued_through, {name_of(kind), param(ago.count())}); });
    }

    bool claim_wait_sample(Seconds every) override {
        return connection_.query([&](Transaction& tx) {
            return tx.write(sql::claim_if_due, {"queue_wait", param(every.count())}) > 0;
        });
    }
    void add_wait_sample(const std::string& site, Instant sampled_at, OptionalInteger seconds) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::add_wait_sample,
                   {site, to_text(sampled_at), seconds ? param(*seconds) : std::nullopt});
        });
    }

    void record_result(const std::string& kind, const std::string& error) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::record_enricher_result, {kind, error.empty() ? std::nullopt : Param{error}});
        });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<EnrichmentStore> make_enrichment_store(Connection& connection) {
    return std::make_unique<PostgresEnrichmentStore>(connection);
}

}  // namespace glia::postgres
