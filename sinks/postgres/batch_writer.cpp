#include "sinks/postgres/batch_writer.hpp"

#include "sinks/postgres/follow_ups.hpp"
#include "sinks/postgres/plan_writer.hpp"
#include "sinks/postgres/rejects.hpp"
#include "sinks/postgres/stored_comparison.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/postgres/work_outcomes.hpp"

namespace glia::postgres {
namespace {

/// True for SQLSTATEs that a single record's value can cause.
bool is_fault_of_data(const std::string& code) {
    return code.starts_with("22") || code.starts_with("23") || code.starts_with("54");
}

RejectedFetch refused(const FetchedEngagement& fetched, const std::string& code) {
    Rows row(EngagementTable::table(), Rows::Encoding::json);
    EngagementTable::add(row, fetched.engagement, {});
    return {{fetched.engagement.id.str(), std::move(row).finished(), "PostgreSQL refuses it [" + code + "]"},
            fetched.source,
            fetched.site_id};
}

}  // namespace

std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnabledEnrichers& enrichers, ScanMemory& scans) {
    std::vector<CommitCounts> counts(batches.size());
    StoredComparison comparison(tx, scans, counts);
    UndocumentedMembers undocumented_members;
    bool is_first = true;
    for (std::vector<MergeItem>& items : partition_by_id(batches)) {
        comparison.drop_unwritten(items, is_first);
        is_first = false;
        if (items.empty()) continue;
        PlanWriter(tx, comparison, items).write();
        write_follow_ups(tx, items, enrichers, counts);
        collect_undocumented_members(items, undocumented_members);
    }
    for (std::size_t i = 0; i < batches.size(); ++i) {
        write_rejected(tx, *batches[i]);
        complete_details(tx, *batches[i]);
        counts[i].rejected = static_cast<std::int64_t>(batches[i]->rejected.size());
    }
    write_undocumented_members(tx, undocumented_members);
    return counts;
}

CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnabledEnrichers& enrichers,
                         ScanMemory& scans) {
    return write_batches(tx, {&batch}, enrichers, scans).front();
}

CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnabledEnrichers& enrichers,
                              ScanMemory& scans) {
    CommitCounts counts;
    Batch rest;
    rest.rejected = batch.rejected;
    rest.details = batch.details;
    rest.claimed_by = batch.claimed_by;
    for (const FetchedEngagement& fetched : batch.engagements) {
        Batch one;
        one.engagements.push_back(fetched);
        Savepoint savepoint(tx, "one_engagement");
        try {
            const CommitCounts written = write_batch(tx, one, enrichers, scans);
            savepoint.release();
            counts += written;
        } catch (const pqxx::sql_error& error) {
            const std::string code = sqlstate(error);
            if (!is_fault_of_data(code)) throw;
            savepoint.roll_back();
            rest.rejected.push_back(refused(fetched, code));
        }
    }
    counts += write_batch(tx, rest, enrichers, scans);
    return counts;
}

}  // namespace glia::postgres
