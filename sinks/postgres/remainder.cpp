#include "sinks/postgres/remainder.hpp"

#include <map>
#include <utility>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/marks.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

/// The fence of the details, for those that did not leave the queue as ours. Last, so that rows are
/// locked in the order in which list batches lock theirs.
void check_claims(Transaction& tx, const Batch& batch, const std::set<std::string>& claimed) {
    if (batch.claim_owner.empty() || claimed.empty()) return;
    std::set<std::string> lost = claimed;
    const std::vector<std::string> asked(claimed.begin(), claimed.end());
    for (const auto& row : tx.run(sql::held_details, {array(asked), batch.claim_owner})) {
        lost.erase(row[0].c_str());
    }
    if (!lost.empty()) throw ClaimsLost{std::move(lost)};
}

}  // namespace

void write_rejected(Transaction& tx, const Batch& batch) {
    if (batch.rejected.empty()) return;
    Marks marks;
    for (const RejectedFetch& rejected : batch.rejected) marks.add(rejected.record);
    const std::set<std::size_t> forgotten = marks.forgotten(tx);
    std::size_t number = 0;
    std::map<std::pair<std::string, RecordSource>, std::map<ContentHash, const RejectedFetch*>> by_origin;
    for (const RejectedFetch& rejected : batch.rejected) {
        if (forgotten.contains(number++)) continue;
        by_origin[{rejected.site_id, rejected.source}][bytes_hash(rejected.record.payload)] = &rejected;
    }
    for (const auto& [origin, records] : by_origin) {
        std::vector<Param> engagement_ids, reasons, payloads, hashes;
        for (const auto& [payload_hash, rejected] : records) {
            engagement_ids.push_back(rejected->record.engagement_id);
            reasons.push_back(rejected->record.reason);
            payloads.push_back(rejected->record.payload);
            hashes.push_back(to_bytea(payload_hash));
        }
        tx.run(sql::reject_records, {origin.first.empty() ? std::nullopt : Param{origin.first},
                                     origin.second == RecordSource::list ? "list" : "detail",
                                     array(engagement_ids), array(reasons), array(payloads), array(hashes)});
    }
}

void settle_details(Transaction& tx, const Batch& batch) {
    std::vector<Param> loaded, fetched, failed, errors, waits, parked, attempted;
    for (const DetailOutcome& outcome : batch.details) {
        if (outcome.fetched_at) {
            loaded.push_back(outcome.engagement_id);
            fetched.push_back(to_text(*outcome.fetched_at));
            continue;
        }
        failed.push_back(outcome.engagement_id);
        errors.push_back(outcome.error);
        waits.push_back(std::to_string(outcome.retry_in.count()));
        parked.push_back(param(outcome.parked));
        attempted.push_back(param(outcome.attempted));
    }
    std::set<std::string> rest;
    for (const DetailOutcome& outcome : batch.details) rest.insert(outcome.engagement_id);
    if (!loaded.empty()) {
        const Param owner = batch.claim_owner.empty() ? std::nullopt : Param{batch.claim_owner};
        for (const auto& row : tx.run(sql::settle_details, {array(loaded), array(fetched), owner})) {
            rest.erase(row[0].c_str());
        }
    }
    check_claims(tx, batch, rest);
    std::erase_if(loaded, [&](const Param& id) { return !rest.contains(*id); });
    if (!loaded.empty()) tx.run(sql::unclaim_details, {array(loaded)});
    if (!failed.empty()) {
        tx.run(sql::fail_details,
               {array(failed), array(errors), array(waits), array(parked), array(attempted)});
    }
}

}  // namespace glia::postgres
