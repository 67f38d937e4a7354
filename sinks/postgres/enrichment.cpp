#include "sinks/postgres/enrichment.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {
namespace {

// Engagements that are looked at in one statement: a fraction of a second.
constexpr std::int64_t kLookedAtOnce = 5000;

}  // namespace

std::optional<MissedCursor> queue_enrichments(Connection& connection, Enricher enricher,
                                              const std::optional<MissedCursor>& after) {
    std::optional<MissedCursor> next;
    connection.transact([&](Transaction& tx) {
        next.reset();
        const std::string since = *text(tx.run(sql::missed_since, {name_of(enricher)})[0], "since");
        const auto found =
            tx.run(sql::missed_engagements, {since, after ? after->changed_at : since,
                                             after ? after->engagement_id : "", param(kLookedAtOnce)});
        if (static_cast<std::int64_t>(found.size()) == kLookedAtOnce)
            next = MissedCursor{*text(found.back(), "changed_at"), *text(found.back(), "id")};
        std::vector<std::string> engagements, items;
        std::vector<Param> created, fetched, changed;
        const auto want = [&](const pqxx::row& row, const std::string& item) {
            engagements.push_back(*text(row, "id"));
            items.push_back(item);
            created.push_back(text(row, "created_at"));
            fetched.push_back(text(row, "fetched_at"));
            changed.push_back(text(row, "changed_at"));
        };
        if (enricher == Enricher::transcript) {
            for (const auto& row : found) {
                if (truth(row, "whole")) want(row, "");
            }
        } else {
            std::map<std::string, pqxx::row> by_id;
            std::vector<std::string> ids;
            for (const auto& row : found) {
                ids.push_back(*text(row, "id"));
                by_id.emplace(ids.back(), row);
            }
            if (ids.empty()) return;
            for (const auto& recording : tx.run(sql::recordings_of, {array(ids)}))
                want(by_id.at(*text(recording, "engagement_id")), *text(recording, "url"));
        }
        if (engagements.empty()) return;
        tx.run(sql::queue_missed, {name_of(enricher), array(engagements), array(items), array(created),
                                   array(fetched), array(changed)});
    });
    return next;
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
        tx.run(sql::settle_enrichment, with({to_text(*outcome.fetched_at), file[0], file[1], file[2]}));
    });
    return settled;
}

}  // namespace glia::postgres
