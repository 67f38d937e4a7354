#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

void read_sites(Transaction& tx, StatusReport& report) {
    for (const auto& row : tx.run(sql::status_sites)) {
        SiteStatus site;
        site.stream = *text(row, "stream");
        site.site_id = *text(row, "site_id");
        site.synced_through = instant(row, "synced_through");
        site.lag_seconds = real(row, "lag");
        site.last_success_at = instant(row, "last_success_at");
        site.last_error = text(row, "last_error");
        site.last_error_at = instant(row, "last_error_at");
        site.next_poll_at = instant(row, "next_poll_at");
        site.lease_owner = text(row, "lease_owner");
        site.lease_expires_at = instant(row, "lease_expires_at");
        site.rejected = integer(row, "rejected");
        site.refusal = text(row, "refusal");
        site.name = text(row, "name");
        report.sites.push_back(std::move(site));
    }
}

void read_work(Transaction& tx, StatusReport& report) {
    const auto queue = tx.run(sql::status_queue)[0];
    report.details_waiting = integer(queue, "waiting");
    report.details_parked = integer(queue, "parked");
    report.rejected = integer(queue, "rejected");
    for (const auto& row : tx.run(sql::status_enrichers)) {
        report.enrichers.push_back({*text(row, "kind"), integer(row, "waiting"), integer(row, "failing"),
                                    instant(row, "last_success_at"), text(row, "last_error"),
                                    instant(row, "last_error_at")});
    }
    for (const auto& row : tx.run(sql::status_undocumented)) {
        report.undocumented.push_back({*text(row, "path"), *text(row, "kind"), *instant(row, "first_seen_at"),
                                       *instant(row, "last_seen_at"), integer(row, "times_seen"),
                                       truth(row, "is_new")});
    }
    for (const auto& row : tx.run(sql::status_clocks)) {
        report.clocks.push_back(
            {*text(row, "machine"), real(row, "ahead").value_or(0), instant(row, "found_at")});
    }
    for (const auto& row : tx.run(sql::status_backfills)) {
        report.backfills.push_back({*instant(row, "window_from"), *instant(row, "window_to"),
                                    integer(row, "done"), integer(row, "total"), integer(row, "engagements"),
                                    real(row, "seconds_left")});
    }
}

std::vector<RunStatus> read_runs(Transaction& tx, std::int64_t limit) {
    std::vector<RunStatus> runs;
    for (const auto& row : tx.run(sql::history_runs, {param(limit)})) {
        runs.push_back({*text(row, "mode"), text(row, "site_id"), instant(row, "started_at"),
                        *instant(row, "finished_at"), integer(row, "pages"), integer(row, "engagements"),
                        integer(row, "rejected"), text(row, "error"), integer(row, "times"),
                        *text(row, "stream"), instant(row, "window_from"), instant(row, "window_to"),
                        integer(row, "requests")});
    }
    return runs;
}

class PostgresReportStore final : public ReportStore {
  public:
    explicit PostgresReportStore(Connection& connection) : connection_(connection) {}

    StatusReport status() override {
        StatusReport report = connection_.query([&](Transaction& tx) {
            StatusReport found;
            read_sites(tx, found);
            read_work(tx, found);
            return found;
        });
        report.schema_version = schema_version(connection_);
        return report;
    }

    std::vector<RunStatus> runs(std::int64_t limit) override {
        return connection_.query([&](Transaction& tx) { return read_runs(tx, limit); });
    }

    History history(std::int64_t runs) override {
        return connection_.query([&](Transaction& tx) {
            History history;
            history.runs = read_runs(tx, runs);
            const Params hours_and_sites{param(std::int64_t{History::kHours}), array(first_sites(tx))};
            for (const auto& row : tx.run(sql::history_hours, hours_and_sites)) {
                const auto ago = static_cast<std::size_t>(integer(row, "hours_ago"));
                auto& hours = history.engagements_by_hour[*text(row, "site_id")];
                if (ago < hours.size()) hours[hours.size() - 1 - ago] = integer(row, "engagements");
            }
            return history;
        });
    }

    void prune_runs(Seconds keep) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::prune, {param(keep.count())}); });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<ReportStore> make_report_store(Connection& connection) {
    return std::make_unique<PostgresReportStore>(connection);
}

}  // namespace glia::postgres
