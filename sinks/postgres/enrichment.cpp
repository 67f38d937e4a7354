#include "sinks/postgres/enrichment.hpp"

#include <algorithm>
#include <tuple>

#include "sinks/postgres/rows.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

// Engagements that are looked at in one statement: a fraction of a second.
constexpr std::int64_t kLookedAtOnce = 5000;

}  // namespace

OptionalText queue_enrichments(Connection& connection, Enricher enricher, const std::string& after) {
    OptionalText last;
    connection.transact([&](Transaction& tx) {
        const auto& statement =
            enricher == Enricher::transcript ? sql::queue_transcripts : sql::queue_recordings;
        const auto row = tx.run(statement, {after, param(kLookedAtOnce)})[0];
        last = integer(row, "looked_at") < kLookedAtOnce ? std::nullopt : text(row, "last");
    });
    return last;
}

std::vector<EnrichmentJob> claim_enrichments(Connection& connection, const EnrichmentClaim& claim) {
    std::vector<EnrichmentJob> jobs;
    connection.transact([&](Transaction& tx) {
        jobs.clear();
        for (const auto& row :
             tx.run(sql::claim_enrichments, {name_of(claim.enricher), claim.owner,
                                             param(std::int64_t{claim.limit}), param(claim.ttl.count())})) {
            jobs.push_back({*text(row, "engagement_id"), *text(row, "item"),
                            static_cast<int>(integer(row, "attempts"))});
        }
    });
    return jobs;
}

void renew_enrichments(Connection& connection, const std::string& owner, Enricher enricher,
                       const std::vector<EnrichmentJob>& jobs, Seconds ttl) {
    std::vector<std::string> engagements, items;
    for (const EnrichmentJob& job : jobs) {
        engagements.push_back(job.engagement_id);
        items.push_back(job.item);
    }
    const std::vector<std::string> kinds(jobs.size(), name_of(enricher));
    connection.transact([&](Transaction& tx) {
        tx.run(sql::renew_enrichments,
               {owner, array(engagements), array(kinds), array(items), param(ttl.count())});
    });
}

Settled settle_enrichment(Connection& connection, const EnrichmentOutcome& outcome,
                          const std::string& owner) {
    Settled settled = Settled::erased;
    connection.transact([&](Transaction& tx) {
        const std::string& engagement = outcome.job.engagement_id;
        const Params key{engagement, name_of(outcome.enricher), outcome.job.item};
        const auto with = [&](Params more) {
            more.insert(more.begin(), key.begin(), key.end());
            return more;
        };
        const auto claim = tx.run(sql::hold_enrichment, with({owner}));
        settled = claim.empty()             ? Settled::erased
                  : truth(claim[0], "held") ? Settled::written
                                            : Settled::lost;
        if (settled != Settled::written) return;
        if (!outcome.fetched_at) {
            tx.run(sql::fail_enrichment, with({outcome.error.empty() ? std::nullopt : Param{outcome.error},
                                               param(outcome.retry_in.count()), param(outcome.attempted)}));
            return;
        }
        if (outcome.messages) {
            Rows rows(kChatMessages, Rows::Encoding::json);
            add_messages(rows, engagement, *outcome.messages);
            tx.run(sql::merge_chat_messages,
                   {std::move(rows).finished(), array(std::vector<std::string>{engagement})});
        }
        Params file(3);
        if (outcome.file) {
            file = {outcome.file->path, param(outcome.file->size_bytes), outcome.file->sha256};
            tx.run(sql::recording_downloaded,
                   {engagement, outcome.job.item, file[0], file[1], file[2], to_text(*outcome.fetched_at)});
        }
        tx.run(sql::settle_enrichment, with({to_text(*outcome.fetched_at), file[0], file[1], file[2]}));
    });
    return settled;
}

}  // namespace glia::postgres
