#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

class PostgresInstanceStore final : public InstanceStore {
  public:
    explicit PostgresInstanceStore(Connection& connection) : connection_(connection) {}

    std::vector<std::string> lease_owners() override {
        return connection_.query([&](Transaction& tx) {
            std::vector<std::string> names;
            for (const auto& row : tx.run(sql::instances_with_leases)) {
                if (const OptionalText id = text(row, "instance")) names.push_back(*id);
            }
            return names;
        });
    }

    void release_leases_of_dead(const std::string& instance_id) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::release_leases_of_dead, {instance_id}); });
    }

    std::int64_t end_stuck_transactions(Seconds after) override {
        return connection_.query([&](Transaction& tx) {
            return integer(tx.run(sql::end_stuck_transactions, {param(after.count())})[0], "ended");
        });
    }

    std::optional<std::chrono::microseconds> server_clock(const std::string& machine) override {
        return connection_.query([&](Transaction& tx) -> std::optional<std::chrono::microseconds> {
            const auto rows = tx.run(sql::read_server_clock, {machine});
            if (rows.empty()) return std::nullopt;
            return std::chrono::microseconds{integer(rows[0], "ahead")};
        });
    }

    void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::save_server_clock, {machine, param(std::int64_t{ahead.count()})});
        });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<InstanceStore> make_instance_store(Connection& connection) {
    return std::make_unique<PostgresInstanceStore>(connection);
}

}  // namespace glia::postgres
