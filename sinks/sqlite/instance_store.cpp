#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

class SqliteInstanceStore final : public InstanceStore {
  public:
    explicit SqliteInstanceStore(StateFile& file) : file_(file) {}

    // No other instance can hold a lease, because only one program writes to the file.
    std::vector<std::string> lease_owners() override { return {}; }
    void release_leases_of_dead(const std::string&) override {}
    std::int64_t end_stuck_transactions(Seconds) override { return 0; }

    std::optional<std::chrono::microseconds> server_clock(const std::string& machine) override {
        // Reads without the lock: after a reload, the instance of the previous configuration may still write.
        return file_.read([&](Connection& state) -> std::optional<std::chrono::microseconds> {
            const auto rows = state.run(sql::read_server_clock, {machine});
            if (rows.empty()) return std::nullopt;
            return std::chrono::microseconds{rows.front().integer(0)};
        });
    }
    void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) override {
        file_.transact([&](Connection& state) {
            state.run(sql::save_server_clock, {machine, value(ahead)});
            state.run(sql::drop_other_server_clocks, {machine});
        });
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<InstanceStore> make_instance_store(StateFile& file) {
    return std::make_unique<SqliteInstanceStore>(file);
}

}  // namespace glia::sqlite
