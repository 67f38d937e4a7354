#include <cmath>
#include <sstream>

#include "sinks/commit_invariants.hpp"
#include "sinks/postgres/checkpoint.hpp"
#include "sinks/postgres/failed_runs.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

/// Rounds up: a request slightly too early would find nothing due.
Seconds whole_seconds(double seconds) {
    return Seconds{static_cast<std::int64_t>(std::ceil(seconds))};
}

class PostgresSiteLeases final : public SiteLeases {
  public:
    explicit PostgresSiteLeases(Connection& connection) : connection_(connection) {}

    SiteAcquired acquire(const SiteKey& site, const std::string& instance_id, Seconds ttl,
                         bool force) override {
        return connection_.query([&](Transaction& tx) {
            SiteAcquired acquired;
            const Param stream = name_of(site.stream);
            const Params claim{site.site_id, instance_id, param(ttl.count()), param(force), stream};
            auto rows = tx.run(sql::acquire_site, claim);
            if (rows.empty()) {
                const auto waits = tx.run(sql::site_wait, {site.site_id, stream});
                if (!waits.empty()) {
                    acquired.instance_id = text(waits[0], "instance").value_or("");
                    acquired.wait = whole_seconds(real(waits[0], "wait").value_or(0));
                    acquired.failures = static_cast<int>(integer(waits[0], "failures"));
                    return acquired;
                }
                // The site has no row yet. (The SELECT comes first, because an INSERT would wait for a
                // transaction that writes the row.)
                tx.run(sql::add_site, {site.site_id, stream});
                rows = tx.run(sql::acquire_site, claim);
                if (rows.empty()) return acquired;
            }
            refuse_newer_schema(rows);
            acquired.lease = lease_of(site, rows[0]);
            return acquired;
        });
    }

    void renew(const SiteTarget& lease, Seconds ttl) override {
        check_epoch(lease.epoch);
        connection_.transact([&](Transaction& tx) {
            fence(tx.write(sql::renew_site,
                           {lease.site_id, param(lease.epoch), param(ttl.count()), name_of(lease.stream)}),
                  describe(lease));
        });
    }

    void release(const SiteTarget& lease, const SiteRelease& release) override {
        connection_.transact([&](Transaction& tx) {
            const Param error = release.error.empty() ? std::nullopt : Param{release.error};
            const auto freed = tx.run(sql::release_site,
                                      {lease.site_id, param(lease.epoch), seconds_param(release.next_poll_in),
                                       error, name_of(lease.stream)});
            if (freed.empty() || !error) return;
            const FailedPass failed = release.failed.value_or(FailedPass{"incremental", {}, 0, 0});
            const auto run = add_failure(
                tx, {failed, lease.site_id, {}, lease.epoch, release.error, name_of(lease.stream)}, freed[0]);
            if (run) tx.run(sql::site_failed_run, {lease.site_id, param(*run), name_of(lease.stream)});
        });
    }

    ResetResult reset(const SiteKey& site, Instant to) override {
        return connection_.query([&](Transaction& tx) {
            ResetResult result;
            const auto rows = tx.run(sql::site_watermark, {site.site_id, name_of(site.stream)});
            if (!rows.empty()) result.before = instant(rows[0], "synced_through");
            result.known = result.before.has_value();
            result.moved = tx.write(sql::reset_site, {site.site_id, to_text(to), name_of(site.stream)}) > 0;
            return result;
        });
    }

  private:
    static SiteLease lease_of(const SiteKey& site, const pqxx::row& row) {
        SiteLease lease;
        lease.site_id = site.site_id;
        lease.stream = site.stream;
        lease.epoch = integer(row, "lease_epoch");
        check_epoch(lease.epoch);
        lease.failures = static_cast<int>(integer(row, "failures"));
        lease.synced_through = instant(row, "synced_through");
        if (const OptionalInstant from = instant(row, "pass_from")) {
            lease.open_pass = OpenPass{*from,
                                       instant(row, "pass_to"),
                                       instant(row, "pass_started_at"),
                                       text(row, "pass_next_page"),
                                       integer(row, "pass_pages"),
                                       integer(row, "pass_engagements")};
        }
        std::istringstream tiers(text(row, "tiers").value_or(""));
        for (std::int64_t back = 0, since = 0; tiers >> back >> since;) {
            lease.tiers.push_back({Seconds{back}, Seconds{since}});
        }
        return lease;
    }

    Connection& connection_;
};

}  // namespace

std::unique_ptr<SiteLeases> make_site_leases(Connection& connection) {
    return std::make_unique<PostgresSiteLeases>(connection);
}

}  // namespace glia::postgres
