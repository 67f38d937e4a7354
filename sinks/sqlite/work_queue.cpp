#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

/// Details only: enrichers write to PostgreSQL.
class SqliteWorkQueue final : public WorkQueue {
  public:
    explicit SqliteWorkQueue(StateFile& file) : file_(file) {}

    std::int64_t enqueue_ongoing(bool all) override {
        return file_.transact([&](Connection& state) {
            const std::int64_t queued = state.write(sql::enqueue_due_ongoing, {std::int64_t{all}});
            state.run(sql::postpone_ongoing, {std::int64_t{all}});
            return queued;
        });
    }

    std::vector<WorkJob> claim(const WorkClaim& claim) override {
        return file_.transact([&](Connection& state) {
            std::vector<WorkJob> jobs;
            for (const Row& row : state.run(
                     sql::claim_work, {claim.instance_id, std::int64_t{claim.limit}, value(claim.ttl)})) {
                jobs.push_back({*row.text(0), "", static_cast<int>(row.integer(1))});
            }
            return jobs;
        });
    }

    void renew(WorkKind, const std::string& instance_id, const std::vector<WorkJob>& jobs,
               Seconds ttl) override {
        std::vector<std::string> engagements;
        for (const WorkJob& job : jobs) engagements.push_back(job.engagement_id);
        file_.transact([&](Connection& state) {
            state.run(sql::renew_work, {list(engagements), instance_id, value(ttl)});
        });
    }

    std::int64_t due(WorkKind) override {
        return file_.transact([](Connection& state) { return state.run(sql::work_due).at(0).integer(0); });
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<WorkQueue> make_work_queue(StateFile& file) {
    return std::make_unique<SqliteWorkQueue>(file);
}

}  // namespace glia::sqlite
