#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

class SqliteDetailQueue final : public DetailQueue {
  public:
    explicit SqliteDetailQueue(StateFile& file) : file_(file) {}

    std::int64_t enqueue_ongoing(bool all) override {
        return file_.transact([&](Connection& state) {
            const std::int64_t queued = state.write(sql::queue_due_ongoing, {std::int64_t{all}});
            state.run(sql::postpone_ongoing, {std::int64_t{all}});
            return queued;
        });
    }

    std::vector<DetailJob> claim(const DetailClaim& claim) override {
        return file_.transact([&](Connection& state) {
            std::vector<DetailJob> jobs;
            for (const Row& row :
                 state.run(sql::claim_details, {claim.owner, std::int64_t{claim.limit}, value(claim.ttl)})) {
                jobs.push_back({*row.text(0), static_cast<int>(row.integer(1))});
            }
            return jobs;
        });
    }

    void renew(const std::string& owner, const std::vector<std::string>& engagements, Seconds ttl) override {
        file_.transact([&](Connection& state) {
            state.run(sql::renew_details, {list(engagements), owner, value(ttl)});
        });
    }

    std::int64_t due() override {
        return file_.transact([](Connection& state) { return state.run(sql::details_due).at(0).integer(0); });
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<DetailQueue> make_detail_queue(StateFile& file) {
    return std::make_unique<SqliteDetailQueue>(file);
}

}  // namespace glia::sqlite
