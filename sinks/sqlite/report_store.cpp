#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

std::vector<RunStatus> read_runs(Connection& state, std::int64_t limit) {
    std::vector<RunStatus> runs;
    for (const Row& row : state.run(sql::history_runs, {limit})) {
        runs.push_back({*row.text(0), row.text(1), row.instant(2), *row.instant(3), row.integer(4),
                        row.integer(5), row.integer(6), row.text(7), 1, *row.text(8), row.instant(9),
                        row.instant(10), row.integer(11)});
    }
    return runs;
}

class SqliteReportStore final : public ReportStore {
  public:
    explicit SqliteReportStore(StateFile& file) : file_(file) {}

    StatusReport status() override {
        if (!file_.exists()) return {};
        return file_.read([](Connection& state) {
            StatusReport report;
            for (const Row& row : state.run(sql::status_sites)) {
                report.sites.push_back({*row.text(0), row.instant(1), row.real(2), row.instant(3),
                                        row.text(4), row.instant(5), row.instant(6), row.text(7),
                                        row.instant(8), row.integer(9), *row.text(10)});
                report.sites.back().refusal = row.text(11);
            }
            const Row queue = state.run(sql::status_queue).at(0);
            report.details_waiting = queue.integer(0);
            report.details_parked = queue.integer(1);
            report.rejected = queue.integer(2);
            for (const Row& row : state.run(sql::status_undocumented_members)) {
                report.undocumented_members.push_back({*row.text(0), *row.text(1), *row.instant(2),
                                                       *row.instant(3), row.integer(4), row.integer(5) != 0});
            }
            for (const Row& row : state.run(sql::status_clocks)) {
                report.clocks.push_back({*row.text(0), row.real(1).value_or(0), std::nullopt});
            }
            for (const Row& row : state.run(sql::status_backfills)) {
                report.backfills.push_back({*row.instant(0), *row.instant(1), row.integer(2), row.integer(3),
                                            row.integer(4), row.real(5)});
            }
            report.schema_version = state.version();
            return report;
        });
    }

    std::vector<RunStatus> runs(std::int64_t limit) override {
        if (!file_.exists()) return {};
        return file_.read([&](Connection& state) { return read_runs(state, limit); });
    }

    History history(std::int64_t runs) override {
        return file_.read([&](Connection& state) {
            History history;
            history.runs = read_runs(state, runs);
            for (const Row& row : state.run(sql::history_hours, {std::int64_t{History::kHours}})) {
                auto& hours = history.engagements_by_hour[*row.text(0)];
                const auto ago = static_cast<std::size_t>(row.integer(1));
                if (ago < hours.size()) hours[hours.size() - 1 - ago] = row.integer(2);
            }
            return history;
        });
    }

    void prune_runs(Seconds keep) override {
        file_.transact([&](Connection& state) { state.run(sql::prune, {value(keep)}); });
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<ReportStore> make_report_store(StateFile& file) {
    return std::make_unique<SqliteReportStore>(file);
}

}  // namespace glia::sqlite
