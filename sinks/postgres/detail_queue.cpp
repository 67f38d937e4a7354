#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

class PostgresDetailQueue final : public DetailQueue {
  public:
    explicit PostgresDetailQueue(Connection& connection) : connection_(connection) {}

    std::int64_t enqueue_ongoing(bool all) override {
        return connection_.query([&](Transaction& tx) { return tx.write(sql::queue_ongoing, {param(all)}); });
    }

    std::vector<DetailJob> claim(const DetailClaim& claim) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<DetailJob> jobs;
            const auto rows = tx.run(sql::claim_details, {claim.owner, param(std::int64_t{claim.limit}),
                                                          param(claim.ttl.count())});
            refuse_newer_schema(rows);
            for (const auto& row : rows) {
                jobs.push_back({*text(row, "engagement_id"), static_cast<int>(integer(row, "attempts"))});
            }
            return jobs;
        });
    }

    void renew(const std::string& owner, const std::vector<std::string>& engagements, Seconds ttl) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::renew_details, {array(engagements), owner, param(ttl.count())});
        });
    }

    std::int64_t due() override {
        return connection_.query(
            [&](Transaction& tx) { return tx.run(sql::details_due)[0][0].as<std::int64_t>(); });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<DetailQueue> make_detail_queue(Connection& connection) {
    return std::make_unique<PostgresDetailQueue>(connection);
}

}  // namespace glia::postgres
