#include <map>

#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {
namespace {

// Engagements that one statement reads: a fraction of a second.
constexpr std::int64_t kEngagementsPerRead = 5000;

/// What queue_missed() is given: a column for each member.
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

    std::optional<MissedCursor> enqueue_missed(Enricher enricher,
                                               const std::optional<MissedCursor>& after) override {
        return connection_.query([&](Transaction& tx) {
            std::optional<MissedCursor> next;
            const std::string since = *text(tx.run(sql::missed_since, {name_of(enricher)})[0], "since");
            const auto found = tx.run(sql::missed_engagements,
                                      {since, after ? after->changed_at : since,
                                       after ? after->engagement_id : "", param(kEngagementsPerRead)});
            if (static_cast<std::int64_t>(found.size()) == kEngagementsPerRead)
                next = MissedCursor{*text(found.back(), "changed_at"), *text(found.back(), "id")};
            MissedItems missed;
            if (enricher == Enricher::recording) {
                add_recordings(tx, found, missed);
            } else {
                for (const auto& row : found) {
                    if (truth(row, "whole")) missed.add(row, "");
                }
            }
            if (missed.engagements.empty()) return next;
            tx.run(sql::queue_missed, {name_of(enricher), array(missed.engagements), array(missed.items),
                                       array(missed.created), array(missed.fetched), array(missed.changed)});
            return next;
        });
    }

    void record_enqueued(Enricher enricher, Seconds ago) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::queued_through, {name_of(enricher), param(ago.count())});
        });
    }

    std::vector<EnrichmentJob> claim(const EnrichmentClaim& claim) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<EnrichmentJob> jobs;
            for (const auto& row : tx.run(sql::claim_enrichments,
                                          {name_of(claim.enricher), claim.owner,
                                           param(std::int64_t{claim.limit}), param(claim.ttl.count())})) {
                jobs.push_back({*text(row, "engagement_id"), *text(row, "item"),
                                static_cast<int>(integer(row, "attempts"))});
            }
            return jobs;
        });
    }

    void renew(const std::string& owner, Enricher enricher, const std::vector<EnrichmentJob>& jobs,
               Seconds ttl) override {
        std::vector<std::string> engagements, items;
        for (const EnrichmentJob& job : jobs) {
            engagements.push_back(job.engagement_id);
            items.push_back(job.item);
        }
        const std::vector<std::string> kinds(jobs.size(), name_of(enricher));
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::renew_enrichments,
                   {owner, array(engagements), array(kinds), array(items), param(ttl.count())});
        });
    }

    Settled complete(const EnrichmentOutcome& outcome, const std::string& owner) override {
        return connection_.query([&](Transaction& tx) {
            const auto claim = tx.run(sql::hold_enrichment, values_of(outcome, {owner}));
            if (claim.empty()) return Settled::erased;
            if (!truth(claim[0], "held")) return Settled::lost;
            write(tx, outcome);
            return Settled::written;
        });
    }

    bool take_wait_turn(Seconds every) override {
        return connection_.query([&](Transaction& tx) {
            return tx.write(sql::take_turn, {"queue_wait", param(every.count())}) > 0;
        });
    }
    void add_wait_sample(const std::string& site, Instant sampled_at, OptionalSeconds seconds) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::add_wait_sample,
                   {site, to_text(sampled_at), seconds ? param(*seconds) : std::nullopt});
        });
    }

    void record_result(const std::string& kind, const std::string& error) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::enricher_fared, {kind, error.empty() ? std::nullopt : Param{error}});
        });
    }

  private:
    /// The key of the job, then `more`.
    static Params values_of(const EnrichmentOutcome& outcome, const Params& more) {
        Params values{outcome.job.engagement_id, name_of(outcome.enricher), outcome.job.item};
        values.insert(values.end(), more.begin(), more.end());
        return values;
    }

    static void write(Transaction& tx, const EnrichmentOutcome& outcome) {
        const std::string& engagement = outcome.job.engagement_id;
        if (!outcome.fetched_at) {
            tx.run(sql::fail_enrichment,
                   values_of(outcome, {outcome.error.empty() ? std::nullopt : Param{outcome.error},
                                       param(outcome.retry_in.count()), param(outcome.attempted)}));
            return;
        }
        if (outcome.messages) {
            Rows rows(MessageTable::table(), Rows::Encoding::json);
            add_messages(rows, engagement, *outcome.messages);
            const std::string set = std::move(rows).finished();
            tx.run(sql::trim_chat_messages, {set, array(std::vector<std::string>{engagement})});
            tx.run(sql::merge_chat_messages, {set});
        }
        Params file(3);
        if (outcome.file) {
            file = {outcome.file->path, param(outcome.file->size_bytes), outcome.file->sha256};
            tx.run(sql::recording_downloaded,
                   {engagement, outcome.job.item, file[0], file[1], file[2], to_text(*outcome.fetched_at)});
        }
        tx.run(sql::settle_enrichment,
               values_of(outcome, {to_text(*outcome.fetched_at), file[0], file[1], file[2]}));
    }

    Connection& connection_;
};

}  // namespace

std::unique_ptr<EnrichmentStore> make_enrichment_store(Connection& connection) {
    return std::make_unique<PostgresEnrichmentStore>(connection);
}

}  // namespace glia::postgres
