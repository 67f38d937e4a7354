#include <algorithm>

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

SiteStatus* engagements_of(StatusReport& report, const std::string& site_id) {
    for (SiteStatus& site : report.sites) {
        if (site.site_id == site_id && site.stream == name_of(Stream::engagements)) return &site;
    }
    return nullptr;
}

void read_verifications(Transaction& tx, StatusReport& report) {
    std::vector<std::string> sites;
    for (const SiteStatus& site : report.sites) {
        if (site.stream == name_of(Stream::engagements)) sites.push_back(site.site_id);
    }
    for (const auto& row : tx.run(sql::status_verified, {array(sites)})) {
        SiteStatus& site = *engagements_of(report, *text(row, "site_id"));
        site.verified_through = instant(row, "verified_through");
        site.verified_at = instant(row, "verified_at");
    }
    for (const auto& row : tx.run(sql::status_missing)) {
        if (SiteStatus* site = engagements_of(report, text(row, "site_id").value_or("")))
            site->missing = integer(row, "engagements");
    }
}

void read_volume(Transaction& tx, StatusReport& report) {
    // The hours that judge_volume() needs, and a few more, because the watermark may be behind.
    constexpr std::int64_t kHours = 3 * 24 + 3;
    std::vector<std::string> sites;
    for (const SiteStatus& site : report.sites) {
        if (site.stream == name_of(Stream::engagements)) sites.push_back(site.site_id);
    }
    std::map<std::string, std::vector<VolumeHour>> hours;
    for (const auto& row : tx.run(sql::status_volume, {array(sites), param(kHours)})) {
        hours[*text(row, "site_id")].push_back({*instant(row, "hour_start"), integer(row, "local_day"),
                                                integer(row, "engagements"),
                                                real(row, "expected_engagements")});
    }
    for (const auto& [site, of_site] : hours) engagements_of(report, site)->volume = judge_volume(of_site);
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
    for (const auto& row : tx.run(sql::status_undocumented_members)) {
        report.undocumented_members.push_back({*text(row, "path"), *text(row, "kind"),
                                               *instant(row, "first_seen_at"), *instant(row, "last_seen_at"),
                                               integer(row, "times_seen"), truth(row, "is_new")});
    }
    report.installed_at = instant(tx.run(sql::status_installed)[0], "installed_at");
    for (const auto& row : tx.run(sql::status_clocks)) {
        report.clocks.push_back(
            {*text(row, "machine"), real(row, "ahead").value_or(0), instant(row, "found_at")});
    }
    for (const auto& row : tx.run(sql::status_backfills)) {
        report.backfills.push_back({*instant(row, "window_from"), *instant(row, "window_to"),
                                    integer(row, "done"), integer(row, "total"), integer(row, "engagements"),
                                    real(row, "seconds_left"), *text(row, "stream")});
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
            read_verifications(tx, found);
            read_volume(tx, found);
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
            for (const auto& row : tx.run(sql::history_verifications)) {
                history.newest_verifications[*text(row, "site_id")] = {
                    integer(row, "day"),      integer(row, "listed"),     integer(row, "stored"),
                    integer(row, "missing"),  integer(row, "different"),  integer(row, "gone"),
                    integer(row, "repaired"), instant(row, "verified_at")};
            }
            return history;
        });
    }

    void prune_runs(Seconds keep) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::prune, {param(keep.count())}); });
    }

    std::vector<VolumeSite> volume_sites() override {
        return connection_.query([&](Transaction& tx) {
            std::vector<VolumeSite> sites;
            for (const auto& row : tx.run(sql::volume_sites))
                sites.push_back(
                    {*text(row, "site_id"), *instant(row, "complete_through"), instant(row, "newest")});
            return sites;
        });
    }

    void count_volume(const std::vector<VolumeSite>& sites, Instant from, Instant before) override {
        connection_.transact([&](Transaction& tx) {
            std::vector<std::string> ids;
            std::vector<Param> since, through;
            for (const VolumeSite& site : sites) {
                // Hours before a site's first engagement are not counted: the site did not exist yet, or
                // nothing of that time has been loaded.
                const auto first = tx.run(sql::first_engagement, {site.site_id});
                if (first.empty()) continue;
                ids.push_back(site.site_id);
                since.push_back(
                    to_text(std::chrono::floor<std::chrono::hours>(*instant(first[0], "created_at"))));
                through.push_back(to_text(std::chrono::floor<std::chrono::hours>(site.complete_through)));
            }
            tx.run(sql::count_volume, {to_text(from), to_text(before), array(first_sites(tx)), array(ids),
                                       array(since), array(through)});
        });
    }

    std::map<std::string, std::vector<VolumeDay>> volume_days(const std::vector<std::string>& sites,
                                                              std::int64_t days) override {
        return connection_.query([&](Transaction& tx) {
            std::map<std::string, std::vector<VolumeDay>> by_site;
            for (const auto& row : tx.run(sql::volume_days, {array(sites), param(days)})) {
                by_site[*text(row, "site_id")].push_back(
                    {integer(row, "local_day"), integer(row, "engagements"),
                     real(row, "expected_engagements"), truth(row, "is_holiday")});
            }
            return by_site;
        });
    }

    void prune_volume(Seconds keep) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::prune_volume, {param(keep.count())}); });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<ReportStore> make_report_store(Connection& connection) {
    return std::make_unique<PostgresReportStore>(connection);
}

}  // namespace glia::postgres
