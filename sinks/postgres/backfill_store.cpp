#include <algorithm>
#include <tuple>

#include "sinks/commit_invariants.hpp"
#include "sinks/postgres/checkpoint.hpp"
#include "sinks/postgres/failed_runs.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

Params window_params(const WindowTarget& window) {
    return {param(window.backfill_id), window.site_id, to_text(window.from), param(window.epoch)};
}

class PostgresBackfillStore final : public BackfillStore {
  public:
    explicit PostgresBackfillStore(Connection& connection) : connection_(connection) {}

    BackfillState open(const BackfillSpec& spec) override {
        return connection_.query([&](Transaction& tx) {
            BackfillState state;
            const Param from = to_text(spec.from);
            const Param window = param(spec.window.count());
            const Param sites = array(spec.sites);
            // Serialises two programs with the same command: one creates the backfill, the other joins it.
            tx.run("LOCK TABLE backfills IN SHARE ROW EXCLUSIVE MODE");
            const auto found = tx.run(sql::matching_backfill,
                                      {from, spec.to_is_open ? std::nullopt : Param{to_text(spec.to)}, window,
                                       sites, name_of(spec.stream)});
            if (!found.empty() && resume(tx, spec, found[0], state)) return state;
            state.from = spec.from;
            state.to = spec.to;
            state.id = integer(tx.run(sql::add_backfill, {from, to_text(spec.to), param(spec.to_is_open),
                                                          window, sites, name_of(spec.stream)})[0],
                               "id");
            tx.run(sql::add_windows, {param(state.id)});
            return state;
        });
    }

    std::vector<WindowLease> claim_windows(const WindowClaim& claim) override {
        auto leases = connection_.query([&](Transaction& tx) {
            std::vector<WindowLease> claimed;
            const auto rows = tx.run(sql::claim_windows,
                                     {param(claim.backfill_id), claim.instance_id, param(claim.ttl.count()),
                                      array(claim.except_sites), param(claim.limit)});
            refuse_newer_schema(rows);
            for (const auto& row : rows) claimed.push_back(lease_of(claim.backfill_id, row));
            return claimed;
        });
        std::sort(leases.begin(), leases.end(), [](const WindowLease& a, const WindowLease& b) {
            return std::tie(a.target.from, a.target.site_id) < std::tie(b.target.from, b.target.site_id);
        });
        return leases;
    }

    void renew_window(const WindowTarget& window, Seconds ttl) override {
        check_epoch(window.epoch);
        connection_.transact([&](Transaction& tx) {
            Params values = window_params(window);
            values.push_back(param(ttl.count()));
            fence(tx.write(sql::renew_window, values), describe(window));
        });
    }

    void release_window(const WindowTarget& window, const std::string& error) override {
        connection_.transact([&](Transaction& tx) {
            Params values = window_params(window);
            values.push_back(error.empty() ? std::nullopt : Param{error});
            const auto freed = tx.run(sql::release_window, values);
            if (freed.empty() || error.empty()) return;
            const auto& row = freed[0];
            FailedPass failed{"backfill", {}, integer(row, "requests"), integer(row, "rejected")};
            failed.pass = {window.from, instant(row, "window_to"), instant(row, "started_at"),
                           {},          integer(row, "pages"),     integer(row, "engagements")};
            const Param backfill = param(window.backfill_id);
            const pqxx::row locked = tx.run(sql::lock_backfill, {backfill})[0];
            const std::string stream = *text(locked, "stream");
            const auto run = add_failure(
                tx, {failed, window.site_id, window.backfill_id, window.epoch, error, stream}, locked);
            if (run) tx.run(sql::backfill_failed_run, {backfill, param(*run)});
        });
    }

    BackfillProgress progress(std::int64_t backfill_id,
                              const std::vector<std::string>& except_sites) override {
        return connection_.query([&](Transaction& tx) {
            const auto row = tx.run(sql::backfill_progress, {param(backfill_id), array(except_sites)})[0];
            return BackfillProgress{integer(row, "total"),          integer(row, "done"),
                                    integer(row, "leased"),         integer(row, "free"),
                                    integer(row, "engagements"),    integer(row, "pages"),
                                    text(row, "error").value_or("")};
        });
    }

    void record_time_left(std::int64_t backfill_id, std::optional<Seconds> left) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::record_time_left, {param(backfill_id), left ? param(left->count()) : std::nullopt});
        });
    }

    void finish(std::int64_t backfill_id) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::finish_backfill, {param(backfill_id)}); });
    }

  private:
    static WindowLease lease_of(std::int64_t backfill_id, const pqxx::row& row) {
        WindowLease lease;
        lease.target.backfill_id = backfill_id;
        lease.target.site_id = *text(row, "site_id");
        lease.target.from = *instant(row, "window_from");
        lease.target.epoch = integer(row, "lease_epoch");
        check_epoch(lease.target.epoch);
        lease.pass.from = lease.target.from;
        lease.pass.to = instant(row, "window_to");
        lease.pass.started_at = instant(row, "pass_started_at");
        lease.pass.next_page = text(row, "pass_next_page");
        lease.pass.pages = integer(row, "pages");
        lease.pass.engagements = integer(row, "engagements");
        lease.attempts = static_cast<int>(integer(row, "attempts"));
        return lease;
    }

    /// Returns true if the found backfill is used, false if a new one has to be created.
    static bool resume(Transaction& tx, const BackfillSpec& spec, const pqxx::row& row,
                       BackfillState& state) {
        const std::int64_t id = integer(row, "id");
        const bool finished = truth(row, "finished");
        if (spec.restart) {
            if (!finished) tx.run(sql::drop_backfill, {param(id)});
            return false;
        }
        if (finished && spec.to_is_open) return false;  // without --to, the range has grown since
        state.id = id;
        state.from = *instant(row, "window_from");
        state.to = *instant(row, "window_to");
        state.resumed = !finished;
        state.already_complete = finished;
        if (!finished) tx.run(sql::reopen_windows, {param(id)});
        return true;
    }

    Connection& connection_;
};

}  // namespace

std::unique_ptr<BackfillStore> make_backfill_store(Connection& connection) {
    return std::make_unique<PostgresBackfillStore>(connection);
}

}  // namespace glia::postgres
