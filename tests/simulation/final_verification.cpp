#include "tests/simulation/final_verification.hpp"

#include <algorithm>

namespace simulation {
namespace {

using namespace std::chrono_literals;

// Maximum duration of the last verification, including waits for the service.
constexpr Seconds kVerification = 60min;

}  // namespace

Milliseconds recheck_delay_of(const SyncSettings& sync, Instant now) {
    SiteStatus site;
    site.lease_owner = "a service";
    return recheck_delay(&site, sync.poll_every, now);
}

void FinalVerification::run() {
    world_.is_reliable = true;
    if (world_.scenario.verified_beside_services) {
        for (const auto& instance : instances_) instance->start();
        world_.run(world_.now() + 10min);
        for (int i = 0; i < 3; ++i) arrive_late();
    } else {
        verifier_.start();
    }
    inject_losses();
    verify([this](const Verification& done) { check(done); });
    if (!world_.scenario.verified_beside_services && random_.one_in(4)) forget_sites();
    for (const auto& instance : instances_) instance->stop(nullptr);
    world_.run(world_.now() + 5min);
}

void FinalVerification::verify(const std::function<void(const Verification&)>& check) {
    is_over_ = false;
    verifier_.verify(spec(), [this, check](const Verification& done) {
        is_over_ = true;
        check(done);
    });
    world_.run(world_.now() + kVerification);
    if (!is_over_) wrong("the verification does not end");
}

/// Makes the source deny all engagements during one verification. The verifier checks each mark as it is
/// made. The next verification must remove all marks.
void FinalVerification::forget_sites() {
    for (const std::string& site : spec().sites)
        world_.source.inject({Fault::Kind::site_forgotten, world_.now() + kVerification, site});
    verify([](const Verification&) {});
    verify([this](const Verification& done) {
        for (const Difference& difference : done.differences()) {
            if (!difference.repaired) wrong(difference.engagement_id + " is back, but not repaired");
        }
    });
}

VerificationSpec FinalVerification::spec() {
    VerificationSpec spec;
    spec.from = kStart - 3h;
    spec.to = world_.now();
    spec.legs_share = 1;
    spec.repair = true;
    spec.concurrency = 2;
    spec.max_gets = 3;
    for (int i = 0; i < world_.scenario.sites; ++i) {
        const std::string site = "s" + std::to_string(i);
        spec.sites.push_back(site);
        if (world_.scenario.verified_beside_services)
            spec.recheck_delays[site] = recheck_delay_of(world_.scenario.sync, world_.now());
    }
    return spec;
}

void FinalVerification::wrong(const std::string& what) {
    if (world_.database.violation.empty()) world_.database.violation = "at the end " + what;
}

/// Adds an engagement that is listed some time after it was requested, so that the services load it while the
/// verification runs.
void FinalVerification::arrive_late() {
    const Instant requested = world_.now() - Seconds{random_.between(1, 300)};
    world_.at(world_.now() + Seconds{random_.between(0, 200)},
              [this, requested] { world_.source.add(requested, world_.now(), {"s0"}, 0s, false); });
}

void FinalVerification::inject_losses() {
    auto& rows = world_.database.rows;
    std::vector<std::string> ids;
    for (const auto& [id, row] : rows) {
        const Item* item = world_.source.find(id);
        if (item && !item->is_removed && !row.missing_since && row.state.legs_fetched_at) ids.push_back(id);
    }
    using Kind = DifferenceKind;
    for (int loss = 0; loss < 5 && !ids.empty(); ++loss) {
        const auto at = ids.begin() + random_.between(0, static_cast<std::int64_t>(ids.size()) - 1);
        const std::string id = *at;
        ids.erase(at);
        ModelDatabase::Row& row = rows.at(id);
        injected_[id] = loss == 0 ? Kind::missing : loss == 4 ? Kind::gone : Kind::different;
        if (loss == 0) rows.erase(id);
        if (loss == 1) row.core.duration = 77;
        if (loss == 2) row.legs = {};
        if (loss == 3) row.sites.erase(row.sites.begin());
        if (loss == 4) remove(id);
    }
}

void FinalVerification::remove(const std::string& id) {
    for (Item& item : world_.source.items()) {
        if (item.id == id) world_.source.remove(item);
    }
}

void FinalVerification::check(const Verification& done) {
    if (done.outcome().reason != ExitReason::done)
        return wrong("the verification fails: " + done.outcome().error);
    std::set<std::string> found;
    for (const Difference& difference : done.differences()) {
        const std::string& id = difference.engagement_id;
        const std::string what = id + " is reported as " + name_of(difference.kind);
        const bool is_found = !found.insert(id).second;
        // Removed at the source earlier, but not marked by the services, because their clock is behind.
        if (difference.kind == DifferenceKind::gone && world_.source.find(id)->is_removed) continue;
        if (!injected_.contains(id)) return wrong(what + ", but no loss was injected");
        // After a missing engagement was loaded for one site, by this verification or by a service, it is
        // only different for another site.
        const bool is_mended = injected_[id] == DifferenceKind::missing &&
                               (is_found || world_.scenario.verified_beside_services) &&
                               difference.kind == DifferenceKind::different;
        if (injected_[id] != difference.kind && !is_mended)
            return wrong(what + ", but another loss was injected");
        if (!difference.repaired) return wrong(what + ", but not repaired");
    }
    for (const auto& [id, kind] : injected_) {
        if (!found.contains(id) && !world_.scenario.verified_beside_services)
            return wrong(id + " is " + name_of(kind) + ", but is not reported");
    }
}

}  // namespace simulation
