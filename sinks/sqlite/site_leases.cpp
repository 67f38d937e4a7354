#include "sinks/commit_invariants.hpp"
#include "sinks/sqlite/checkpoint.hpp"
#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

constexpr std::int64_t kMicro = 1'000'000;

class SqliteSiteLeases final : public SiteLeases {
  public:
    explicit SqliteSiteLeases(StateFile& file) : file_(file) {}

    SiteAcquired acquire(const SiteKey& site, const std::string& instance_id, Seconds ttl,
                         bool force) override {
        return file_.transact([&](Connection& state) {
            SiteAcquired acquired;
            const Value stream = stream_value(site.stream);
            state.run(sql::add_site, {site.site_id, stream});
            const auto rows = state.run(sql::acquire_site,
                                        {site.site_id, instance_id, value(ttl), std::int64_t{force}, stream});
            if (rows.empty()) {
                const Row wait = state.run(sql::site_wait, {site.site_id, stream}).at(0);
                acquired.instance_id = wait.text(0).value_or("");
                acquired.wait = Seconds{(wait.integer(1) + kMicro - 1) / kMicro};
                acquired.failures = static_cast<int>(wait.integer(2));
                return acquired;
            }
            acquired.lease = lease_of(site, rows.front());
            for (const Row& tier : state.run(sql::site_tiers, {site.site_id, stream})) {
                acquired.lease->tiers.push_back({Seconds{tier.integer(0)}, Seconds{tier.integer(1)}});
            }
            return acquired;
        });
    }

    void renew(const SiteTarget& lease, Seconds ttl) override {
        check_epoch(lease.epoch);
        file_.transact([&](Connection& state) {
            fence(state.write(sql::renew_site,
                              {lease.site_id, lease.epoch, value(ttl), stream_value(lease.stream)}),
                  describe(lease));
        });
    }

    void release(const SiteTarget& lease, const SiteRelease& release) override {
        file_.transact([&](Connection& state) {
            const bool freed =
                state.write(sql::release_site, {lease.site_id, lease.epoch, value(release.next_poll_in),
                                                error_value(release.error), stream_value(lease.stream)}) > 0;
            if (freed && !release.error.empty())
                add_failure(state, release.failed.value_or(FailedPass{"incremental", {}, 0, 0}),
                            {lease.site_id, lease.stream}, release.error);
        });
    }

    ResetResult reset(const SiteKey& site, Instant to) override {
        return file_.transact([&](Connection& state) {
            ResetResult result;
            const auto rows = state.run(sql::site_watermark, {site.site_id, stream_value(site.stream)});
            if (!rows.empty()) result.before = rows.front().instant(0);
            result.known = result.before.has_value();
            result.moved =
                state.write(sql::reset_site, {site.site_id, micros(to), stream_value(site.stream)}) > 0;
            return result;
        });
    }

  private:
    static SiteLease lease_of(const SiteKey& site, const Row& row) {
        SiteLease lease;
        lease.site_id = site.site_id;
        lease.stream = site.stream;
        lease.epoch = row.integer(0);
        check_epoch(lease.epoch);
        lease.failures = static_cast<int>(row.integer(1));
        lease.synced_through = row.instant(2);
        if (const OptionalInstant from = row.instant(3)) {
            lease.open_pass =
                OpenPass{*from, row.instant(4), row.instant(5), row.text(6), row.integer(7), row.integer(8)};
        }
        return lease;
    }

    StateFile& file_;
};

}  // namespace

std::unique_ptr<SiteLeases> make_site_leases(StateFile& file) {
    return std::make_unique<SqliteSiteLeases>(file);
}

}  // namespace glia::sqlite
