#include <variant>

#include "sinks/commit_invariants.hpp"
#include "sinks/overloaded.hpp"
#include "sinks/postgres/checkpoint.hpp"
#include "sinks/postgres/follow_ups.hpp"
#include "sinks/postgres/rejects.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/statistics_tables.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/timestamp.hpp"

namespace glia::postgres {
namespace {

/// How the rows of one source are stored.
template <typename Row>
struct Kind;
template <>
struct Kind<QueueWaitCount> {
    using Table = QueueWaitTable;
    static std::string_view merge() { return sql::merge_queue_wait_intervals; }
    static std::string_view trim() { return sql::trim_queue_wait_intervals; }
};
template <>
struct Kind<HandleCount> {
    using Table = HandleTable;
    static std::string_view merge() { return sql::merge_handle_intervals; }
    static std::string_view trim() { return sql::trim_handle_intervals; }
};
template <>
struct Kind<WrapUpCount> {
    using Table = WrapUpTable;
    static std::string_view merge() { return sql::merge_wrap_up_intervals; }
    static std::string_view trim() { return sql::trim_wrap_up_intervals; }
};
template <>
struct Kind<OperatorStateTime> {
    using Table = OperatorStateTable;
    static std::string_view merge() { return sql::merge_operator_state_intervals; }
    static std::string_view trim() { return sql::trim_operator_state_intervals; }
};

/// Checks the lease's epoch and renews the lease.
void check_lease(Transaction& tx, const std::variant<SiteTarget, WindowTarget>& lease) {
    constexpr Seconds kRenewed{30};
    std::visit(Overloaded{[&](const SiteTarget& site) {
                              check_epoch(site.epoch);
                              fence(tx.write(sql::site_fence,
                                             {site.site_id, param(site.epoch), name_of(site.stream)}),
                                    describe(site));
                          },
                          [&](const WindowTarget& window) {
                              check_epoch(window.epoch);
                              fence(tx.write(sql::renew_window,
                                             {param(window.backfill_id), window.site_id, to_text(window.from),
                                              param(window.epoch), param(kRenewed.count())}),
                                    describe(window));
                          }},
               lease);
}

class PostgresStatisticsStore final : public StatisticsStore {
  public:
    explicit PostgresStatisticsStore(Connection& connection) : connection_(connection) {}

    std::vector<StatisticsProgress> progress(const std::string& site_id) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<StatisticsProgress> all;
            for (const StatisticsSource source : kStatisticsSources) all.push_back({source, {}, {}, {}});
            for (const auto& row : tx.run(sql::statistics_progress, {site_id})) {
                for (StatisticsProgress& progress : all) {
                    if (text(row, "source") != name_of(progress.source)) continue;
                    progress.read_through = instant(row, "read_through");
                    progress.refused_at = instant(row, "refused_at");
                }
            }
            for (StatisticsProgress& progress : all) {
                for (const auto& row : tx.run(sql::statistics_readings, {site_id, name_of(progress.source),
                                                                         param(progress.read_through)}))
                    progress.readings.push_back(
                        {{*instant(row, "interval_start"), Seconds{integer(row, "interval_seconds")}},
                         *instant(row, "fetched_at")});
            }
            return all;
        });
    }

    std::optional<Seconds> length_read(const std::string& site_id, StatisticsSource source,
                                       Instant start) override {
        return connection_.query([&](Transaction& tx) -> std::optional<Seconds> {
            const auto rows = tx.run(sql::statistics_length, {site_id, name_of(source), to_text(start)});
            if (rows.empty()) return std::nullopt;
            return Seconds{integer(*rows.begin(), "interval_seconds")};
        });
    }

    StatisticsCounts commit(const StatisticsCheckpoint& checkpoint,
                            const StatisticsResponse& response) override {
        return connection_.query([&](Transaction& tx) {
            check_lease(tx, checkpoint.lease);
            StatisticsCounts counts;
            const Param source = name_of(response.source);
            const StatisticsInterval& interval = response.interval;
            const Param start = to_text(interval.start), end = to_text(interval.end());
            counts.stale = tx.write(sql::add_statistics_reading,
                                    {checkpoint.site_id, source, start, param(interval.length.count()),
                                     to_text(response.fetched_at), param(checkpoint.settled)}) == 0;
            if (!counts.stale) {
                replace_rejected(tx, checkpoint.site_id, to_reject_source({response.source, interval.start}),
                                 response.rejected);
                for (const auto& row :
                     tx.run(sql::trim_statistics_readings, {checkpoint.site_id, source, start, end})) {
                    const RejectedStatistics trimmed{response.source, *instant(row, "interval_start")};
                    replace_rejected(tx, checkpoint.site_id, to_reject_source(trimmed), {});
                }
                std::visit(
                    [&](const auto& rows) { write_rows(tx, checkpoint.site_id, response, rows, counts); },
                    response.rows);
                if (counts.written > 0) write_undocumented_members(tx, response.undocumented_members);
            }
            if (std::holds_alternative<SiteTarget>(checkpoint.lease)) {
                tx.run(sql::statistics_read, {checkpoint.site_id, source, param(checkpoint.read_through)});
                tx.run(sql::clear_statistics_refusal, {checkpoint.site_id});
            }
            return counts;
        });
    }

    bool refuse(const SiteTarget& lease, StatisticsSource source, const std::string& error,
                Instant refused_at, Seconds warn_every) override {
        return connection_.query([&](Transaction& tx) {
            tx.run(sql::lock_refusals, {name_of(source)});
            check_lease(tx, lease);
            const auto rows = tx.run(
                sql::statistics_refused,
                {lease.site_id, name_of(source), error, to_text(refused_at), param(warn_every.count())});
            return truth(rows[0], "warn");
        });
    }

  private:
    template <typename Row>
    static void write_rows(Transaction& tx, const std::string& site_id, const StatisticsResponse& response,
                           const std::vector<Row>& counted, StatisticsCounts& counts) {
        using Table = typename Kind<Row>::Table;
        Rows rows(Table::table(), Rows::Encoding::json);
        for (const Row& row : counted) Table::add(rows, row);
        const Param json = std::move(rows).finished();
        if (response.every_row_known())
            counts.removed = tx.write(Kind<Row>::trim(), {json, site_id, to_text(response.interval.start),
                                                          to_text(response.interval.end())});
        if (!counted.empty()) counts.written = tx.write(Kind<Row>::merge(), {json});
    }

    Connection& connection_;
};

}  // namespace

std::unique_ptr<StatisticsStore> make_statistics_store(Connection& connection) {
    return std::make_unique<PostgresStatisticsStore>(connection);
}

}  // namespace glia::postgres
