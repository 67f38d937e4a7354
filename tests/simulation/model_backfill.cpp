// The part of the modelled database that keeps a backfill's windows.
#include <algorithm>

#include "tests/simulation/model_database.hpp"

namespace simulation {
namespace {

// The limit of claim_windows in sinks/postgres/sql/backfill.sql.
constexpr int kMostAttempts = 2;

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

BackfillState ModelDatabase::open(const BackfillSpec& spec) {
    if (windows.empty()) {
        for (const std::string& site : spec.sites) {
            for (Instant from = spec.from; from < spec.to; from += spec.window) {
                Window one;
                one.target.backfill_id = 1;
                one.target.site_id = site;
                one.target.from = from;
                one.pass.from = from;
                one.pass.to = std::min<Instant>(from + spec.window, spec.to);
                windows.push_back(std::move(one));
            }
        }
    }
    for (Window& one : windows) one.attempts = 0;
    BackfillState state;
    state.id = 1;
    state.already_complete = backfill_finished;
    state.from = spec.from;
    state.to = spec.to;
    return state;
}

bool ModelDatabase::is_free(const Window& one, const std::vector<std::string>& except_sites) const {
    if (one.attempts >= kMostAttempts || contains(except_sites, one.target.site_id)) return false;
    return !one.done && (one.lease_owner.empty() || one.lease_expires_at <= now);
}

std::vector<WindowLease> ModelDatabase::claim_windows(const WindowClaim& claim) {
    std::vector<WindowLease> leases;
    for (Window& one : windows) {
        if (static_cast<std::int64_t>(leases.size()) == claim.limit) break;
        if (!is_free(one, claim.except_sites)) continue;
        one.lease_owner = claim.instance_id;
        ++one.target.epoch;
        one.lease_expires_at = now + claim.ttl;
        leases.push_back({one.target, one.pass, one.attempts});
    }
    return leases;
}

void ModelDatabase::renew_window(const WindowTarget& target, Seconds ttl) {
    Window& one = *window(target);
    if (one.target.epoch != target.epoch || one.lease_owner.empty())
        throw SinkError(SinkError::Kind::lease_lost, "the lease on a window has passed to another instance");
    one.lease_expires_at = now + ttl;
}

void ModelDatabase::release_window(const WindowTarget& target, const std::string& error) {
    Window& one = *window(target);
    if (one.target.epoch != target.epoch || one.lease_owner.empty() || one.done) return;
    one.lease_owner.clear();
    if (!error.empty()) ++one.attempts;
}

BackfillProgress ModelDatabase::progress(std::int64_t, const std::vector<std::string>& except_sites) {
    BackfillProgress progress;
    for (const Window& one : windows) {
        ++progress.windows_total;
        if (one.done) ++progress.windows_done;
        const bool held = !one.lease_owner.empty() && one.lease_expires_at > now - Seconds{60};
        if (!one.done && held) ++progress.windows_leased;
        if (is_free(one, except_sites)) ++progress.windows_free;
    }
    return progress;
}

void ModelDatabase::finish(std::int64_t) {
    for (const Window& one : windows) {
        if (!one.done) broken("the backfill is closed although a window is not done");
    }
    backfill_finished = true;
}

}  // namespace simulation
