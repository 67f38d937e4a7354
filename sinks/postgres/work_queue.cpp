#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/postgres/work_outcomes.hpp"

namespace glia::postgres {
namespace {

/// What a settled transcript or recording leaves beside its row in the queue.
void write_content(Transaction& tx, const WorkOutcome& outcome) {
    const std::string& engagement = outcome.job.engagement_id;
    if (outcome.messages) {
        Rows rows(MessageTable::table(), Rows::Encoding::json);
        add_messages(rows, engagement, *outcome.messages);
        const std::string set = std::move(rows).finished();
        tx.run(sql::trim_chat_messages, {set, array(std::vector<std::string>{engagement})});
        tx.run(sql::merge_chat_messages, {set});
    }
    if (!outcome.file) return;
    tx.run(sql::recording_downloaded,
           {engagement, outcome.job.item, outcome.file->path, param(outcome.file->size_bytes),
            outcome.file->sha256, param(outcome.fetched_at)});
}

class PostgresWorkQueue final : public WorkQueue {
  public:
    explicit PostgresWorkQueue(Connection& connection) : connection_(connection) {}

    std::int64_t enqueue_ongoing(bool all) override {
        return connection_.query([&](Transaction& tx) { return tx.write(sql::queue_ongoing, {param(all)}); });
    }

    std::vector<WorkJob> claim(const WorkClaim& claim) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<WorkJob> jobs;
            const auto rows =
                tx.run(sql::claim_work, {name_of(claim.kind), claim.owner, param(std::int64_t{claim.limit}),
                                         param(claim.ttl.count())});
            refuse_newer_schema(rows);
            for (const auto& row : rows) {
                jobs.push_back({*text(row, "engagement_id"), *text(row, "item"),
                                static_cast<int>(integer(row, "attempts"))});
            }
            return jobs;
        });
    }

    void renew(WorkKind kind, const std::string& owner, const std::vector<WorkJob>& jobs,
               Seconds ttl) override {
        std::vector<std::string> engagements, items;
        for (const WorkJob& job : jobs) {
            engagements.push_back(job.engagement_id);
            items.push_back(job.item);
        }
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::renew_work,
                   {name_of(kind), array(engagements), array(items), owner, param(ttl.count())});
        });
    }

    std::int64_t due(WorkKind kind) override {
        return connection_.query(
            [&](Transaction& tx) { return tx.run(sql::work_due, {name_of(kind)})[0][0].as<std::int64_t>(); });
    }

    Settled complete(WorkKind kind, const WorkOutcome& outcome, const std::string& owner) override {
        return connection_.query([&](Transaction& tx) {
            const auto missing = settle_work(tx, kind, {outcome}, owner);
            if (!missing.empty()) return missing.begin()->second;
            if (outcome.fetched_at) write_content(tx, outcome);
            return Settled::written;
        });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<WorkQueue> make_work_queue(Connection& connection) {
    return std::make_unique<PostgresWorkQueue>(connection);
}

}  // namespace glia::postgres
