#include <algorithm>
#include <tuple>

#include "sinks/commit_invariants.hpp"
#include "sinks/sqlite/checkpoint.hpp"
#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

// Maximum attempts at a window within one call of the command.
constexpr std::int64_t kAttempts = 2;

class SqliteBackfillStore final : public BackfillStore {
  public:
    explicit SqliteBackfillStore(StateFile& file) : file_(file) {}

    BackfillState open(const BackfillSpec& spec) override {
        return file_.transact([&](Connection& state) {
            BackfillState result;
            const std::string sites = list(spec.sites);
            const auto found = state.run(sql::matching_backfill,
                                         {micros(spec.from), spec.to_is_open ? Value() : micros(spec.to),
                                          std::int64_t{spec.window.count()}, sites});
            if (!found.empty() && resume(state, spec, found.front(), result)) return result;
            result.from = spec.from;
            result.to = spec.to;
            result.id = state
                            .run(sql::add_backfill,
                                 {micros(spec.from), micros(spec.to), std::int64_t{spec.to_is_open},
                                  std::int64_t{spec.window.count()}, sites})
                            .at(0)
                            .integer(0);
            for (const std::string& site : spec.sites) {
                for (Instant from = spec.from; from < spec.to; from += spec.window) {
                    state.run(sql::add_window, {result.id, site, micros(from),
                                                micros(std::min<Instant>(from + spec.window, spec.to))});
                }
            }
            return result;
        });
    }

    std::vector<WindowLease> claim_windows(const WindowClaim& claim) override {
        return file_.transact([&](Connection& state) {
            std::vector<WindowLease> leases;
            for (const Row& row :
                 state.run(sql::claim_windows, {claim.backfill_id, claim.instance_id, value(claim.ttl),
                                                list(claim.except_sites), kAttempts, claim.limit})) {
                WindowLease& lease = leases.emplace_back();
                lease.target = {claim.backfill_id, *row.text(0), *row.instant(3), row.integer(1)};
                check_epoch(lease.target.epoch);
                lease.attempts = static_cast<int>(row.integer(2));
                lease.pass = {lease.target.from, row.instant(4), row.instant(5),
                              row.text(6),       row.integer(7), row.integer(8)};
            }
            std::sort(leases.begin(), leases.end(), [](const WindowLease& a, const WindowLease& b) {
                return std::tie(a.target.from, a.target.site_id) < std::tie(b.target.from, b.target.site_id);
            });
            return leases;
        });
    }

    void renew_window(const WindowTarget& window, Seconds ttl) override {
        check_epoch(window.epoch);
        file_.transact([&](Connection& state) {
            fence(state.write(sql::renew_window, window_values(window, {value(ttl)})), describe(window));
        });
    }

    void release_window(const WindowTarget& window, const std::string& error) override {
        file_.transact([&](Connection& state) {
            const auto freed = state.run(sql::release_window, window_values(window, {error_value(error)}));
            if (freed.empty() || error.empty()) return;
            const Row& row = freed.front();
            FailedPass failed{"backfill", {}, row.integer(5), row.integer(4)};
            failed.pass = {window.from, row.instant(0), row.instant(1), {}, row.integer(2), row.integer(3)};
            add_failure(state, failed, {window.site_id}, error);
        });
    }

    BackfillProgress progress(std::int64_t backfill_id,
                              const std::vector<std::string>& except_sites) override {
        return file_.transact([&](Connection& state) {
            const Row row =
                state.run(sql::backfill_progress, {backfill_id, kAttempts, list(except_sites)}).at(0);
            return BackfillProgress{row.integer(0), row.integer(1), row.integer(2),          row.integer(3),
                                    row.integer(4), row.integer(5), row.text(6).value_or("")};
        });
    }

    void record_time_left(std::int64_t backfill_id, std::optional<Seconds> left) override {
        file_.transact([&](Connection& state) {
            state.run(sql::record_time_left,
                      {backfill_id, left ? Value(std::int64_t{left->count()}) : Value()});
        });
    }

    void finish(std::int64_t backfill_id) override {
        file_.transact([&](Connection& state) {
            if (state.write(sql::finish_backfill, {backfill_id}) > 0)
                state.run(sql::add_backfill_run, {backfill_id});
        });
    }

  private:
    /// Returns true if the found backfill is used, false if a new one has to be created.
    static bool resume(Connection& state, const BackfillSpec& spec, const Row& row, BackfillState& result) {
        const std::int64_t id = row.integer(0);
        const bool finished = row.integer(1) != 0;
        if (spec.restart) {
            if (!finished) {
                state.run(sql::drop_windows, {id});
                state.run(sql::drop_backfill, {id});
            }
            return false;
        }
        if (finished && spec.to_is_open) return false;  // without --to, the range has grown since
        result = {id, *row.instant(2), *row.instant(3), !finished, finished};
        if (!finished) state.run(sql::reopen_windows, {id});
        return true;
    }

    StateFile& file_;
};

}  // namespace

std::unique_ptr<BackfillStore> make_backfill_store(StateFile& file) {
    return std::make_unique<SqliteBackfillStore>(file);
}

}  // namespace glia::sqlite
