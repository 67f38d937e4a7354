#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/operators.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/postgres/work_outcomes.hpp"

namespace glia::postgres {
namespace {

std::string sender_id(const ChatMessage& message) {
    const std::string href = message.sender_href.value_or("");
    return href.substr(href.rfind('/') + 1);
}

/// Removes the names of forgotten operators from messages.
std::vector<ChatMessage> without_forgotten(Transaction& tx, std::vector<ChatMessage> messages) {
    std::vector<std::string> operators;
    for (const ChatMessage& message : messages) {
        if (message.sender_type == "operator") operators.push_back(sender_id(message));
    }
    if (operators.empty()) return messages;
    const auto forgotten = forgotten_operators(tx, operators);
    for (ChatMessage& message : messages) {
        if (message.sender_type != "operator" || !forgotten.contains(sender_id(message))) continue;
        message.sender_name.reset();
        message.extra.reset();  // may contain further data of the sender
    }
    return messages;
}

/// Writes the content of a completed transcript or recording to its table.
void write_content(Transaction& tx, const WorkOutcome& outcome) {
    const std::string& engagement = outcome.job.engagement_id;
    if (outcome.messages) {
        Rows rows(MessageTable::table(), Rows::Encoding::json);
        add_messages(rows, engagement, without_forgotten(tx, *outcome.messages));
        const std::string set = std::move(rows).finished();
        tx.run(sql::trim_chat_messages, {set, array(std::vector<std::string>{engagement})});
        tx.run(sql::merge_chat_messages, {set});
    }
    if (!outcome.file) return;
    tx.run(sql::recording_downloaded,
           {engagement, outcome.job.item, outcome.file->path, param(outcome.file->size_bytes),
            outcome.file->sha256, param(outcome.fetched_at)});
}

pqxx::result unfetched(Transaction& tx, WorkKind kind, const std::vector<std::string>& engagements,
                       bool all) {
    if (kind == WorkKind::recording)
        return tx.run(sql::unfetched_recordings, {array(engagements), param(all)});
    return tx.run(sql::unfetched_work, {name_of(kind), array(engagements), param(all)});
}

class PostgresWorkQueue final : public WorkQueue {
  public:
    explicit PostgresWorkQueue(Connection& connection) : connection_(connection) {}

    std::int64_t enqueue_ongoing(bool all) override {
        return connection_.query(
            [&](Transaction& tx) { return tx.write(sql::enqueue_ongoing, {param(all)}); });
    }

    std::int64_t count_unfetched(WorkKind kind, const std::vector<std::string>& engagements) override {
        return connection_.query([&](Transaction& tx) {
            return static_cast<std::int64_t>(unfetched(tx, kind, engagements, false).size());
        });
    }

    std::int64_t request(WorkKind kind, const std::vector<std::string>& engagements, bool all) override {
        return connection_.query([&](Transaction& tx) -> std::int64_t {
            std::vector<std::string> ids, items;
            std::vector<Param> created;
            for (const auto& row : unfetched(tx, kind, engagements, all)) {
                ids.push_back(*text(row, "id"));
                items.push_back(*text(row, "item"));
                created.push_back(text(row, "created_at"));
            }
            if (ids.empty()) return 0;
            return tx.write(sql::request_work, {name_of(kind), array(ids), array(items), array(created)});
        });
    }

    std::vector<WorkJob> claim(const WorkClaim& claim) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<WorkJob> jobs;
            const auto rows =
                tx.run(sql::claim_work, {name_of(claim.kind), claim.instance_id,
                                         param(std::int64_t{claim.limit}), param(claim.ttl.count())});
            refuse_newer_schema(rows);
            for (const auto& row : rows) {
                jobs.push_back({*text(row, "engagement_id"), *text(row, "item"),
                                static_cast<int>(integer(row, "attempts"))});
            }
            return jobs;
        });
    }

    void renew(WorkKind kind, const std::string& instance_id, const std::vector<WorkJob>& jobs,
               Seconds ttl) override {
        std::vector<std::string> engagements, items;
        for (const WorkJob& job : jobs) {
            engagements.push_back(job.engagement_id);
            items.push_back(job.item);
        }
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::renew_work,
                   {name_of(kind), array(engagements), array(items), instance_id, param(ttl.count())});
        });
    }

    std::int64_t due(WorkKind kind) override {
        return connection_.query(
            [&](Transaction& tx) { return tx.run(sql::work_due, {name_of(kind)})[0][0].as<std::int64_t>(); });
    }

    ClaimResult complete(WorkKind kind, const WorkOutcome& outcome, const std::string& instance_id) override {
        return connection_.query([&](Transaction& tx) {
            // Locks the engagement before its job, as an erasure does.
            if (outcome.fetched_at && kind != WorkKind::detail &&
                tx.run(sql::lock_engagement, {outcome.job.engagement_id}).empty()) {
                delete_work(tx, kind, outcome.job, instance_id);
                return ClaimResult::erased;
            }
            const auto missing = complete_work(tx, kind, {outcome}, instance_id);
            if (!missing.empty()) return missing.begin()->second;
            if (outcome.fetched_at) write_content(tx, outcome);
            return ClaimResult::written;
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
