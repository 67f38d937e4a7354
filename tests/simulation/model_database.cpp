#include "tests/simulation/model_database.hpp"

#include <algorithm>

#include "sinks/commit_invariants.hpp"
#include "sinks/engagement_plan.hpp"

namespace simulation {
namespace {

[[noreturn]] void lease_lost(const std::string& what) {
    throw SinkError(SinkError::Kind::lease_lost, "the lease on " + what + " has passed to another instance");
}

/// The key of a row of ModelDatabase::sites.
std::string key_of(const SiteKey& site) {
    return (site.stream == Stream::engagements ? "" : std::string(name_of(site.stream)) + "/") + site.site_id;
}
std::string key_of(const SiteTarget& site) {
    return key_of(SiteKey{site.site_id, site.stream});
}

}  // namespace

ModelDatabase::Window* ModelDatabase::window(const WindowTarget& target) {
    for (Window& one : windows) {
        if (one.target.backfill_id == target.backfill_id && one.target.site_id == target.site_id &&
            one.target.from == target.from)
            return &one;
    }
    return nullptr;
}

void ModelDatabase::check_fence(const PassCheckpoint& checkpoint) const {
    const auto check_site = [&](const std::string& id, std::int64_t epoch) {
        const auto site = sites.find(id);
        if (site == sites.end() || site->second.lease_epoch != epoch ||
            (site->second.lease_owner.empty() && !checkpoint.release))
            lease_lost(id);
    };
    if (const auto* site = std::get_if<SiteTarget>(&checkpoint.target))
        check_site(key_of(*site), site->epoch);
    if (const auto* tier = std::get_if<TierTarget>(&checkpoint.target))
        check_site(key_of(tier->site()), tier->epoch);
    if (const auto* target = std::get_if<WindowTarget>(&checkpoint.target)) {
        const Window* one = const_cast<ModelDatabase*>(this)->window(*target);
        if (!one || one->target.epoch != target->epoch || (one->lease_owner.empty() && !one->done))
            lease_lost("a window");
    }
}

void ModelDatabase::write_checkpoint(const PassCheckpoint& checkpoint) {
    const auto end_watermark = [&](const std::string& id, Site& site) {
        const Instant watermark = *checkpoint.watermark;
        if (site.reset_to && checkpoint.pass.from > *site.reset_to) {
            broken("the watermark of " + id + " moves although the range of a reset was not read");
        }
        site.reset_to.reset();
        if (on_watermark) on_watermark(id, checkpoint.pass, watermark);
        site.synced_through = site.synced_through ? std::max(*site.synced_through, watermark) : watermark;
    };
    if (const auto* target = std::get_if<SiteTarget>(&checkpoint.target)) {
        Site& site = sites[key_of(*target)];
        site.lease_expires_at = std::max(site.lease_expires_at, now + Seconds{30});
        if (!checkpoint.complete) {
            site.open_pass = checkpoint.pass;
            return;
        }
        end_watermark(target->site_id, site);
        site.open_pass.reset();
        if (!checkpoint.release) return;
        site.lease_owner.clear();
        site.next_poll_at = now + checkpoint.release->next_poll_in;
        site.failures = 0;
    } else if (const auto* tier = std::get_if<TierTarget>(&checkpoint.target)) {
        Site& site = sites[key_of(tier->site())];
        site.lease_expires_at = std::max(site.lease_expires_at, now + Seconds{30});
        if (!checkpoint.complete) return;
        if (checkpoint.watermark) end_watermark(tier->site_id, site);
        for (const Seconds back : tier->covers) site.tiers[back.count()] = now - checkpoint.elapsed;
    } else {
        Window& one = *window(std::get<WindowTarget>(checkpoint.target));
        if (checkpoint.complete && !one.done && on_window_done) on_window_done(one.target, checkpoint.pass);
        one.pass = checkpoint.pass;
        one.done = checkpoint.complete;
        if (one.done) {
            one.lease_owner.clear();
        } else {
            one.lease_expires_at = std::max(one.lease_expires_at, now + Seconds{30});
        }
    }
}

void ModelDatabase::note_response(const FetchedEngagement& fetched, const IncomingState& incoming,
                                  const MergePlan& plan) {
    Newest& known = newest[fetched.engagement.id.str()];
    const bool older = fetched.fetched_at < known.asked;
    const bool older_legs = fetched.engagement.legs && fetched.fetched_at < known.legs_asked;
    if (((older && plan.write_core) || (older_legs && plan.write_legs)) && !incoming.late)
        known.overwritten_by_older = true;
    if (!older) {
        known.asked = fetched.fetched_at;
        known.core = fetched.engagement;
        known.core.legs.reset();
    }
    if (fetched.engagement.legs && !older_legs) {
        known.legs_asked = fetched.fetched_at;
        known.legs = *fetched.engagement.legs;
    }
}

bool ModelDatabase::same_core(const Engagement& one, const Engagement& other) {
    Engagement a = one, b = other;
    a.legs.reset();
    b.legs.reset();
    return a == b;
}

std::string ModelDatabase::difference_from_newest(const std::string& id) const {
    const auto known = newest.find(id);
    const auto row = rows.find(id);
    if (known == newest.end() || row == rows.end() || known->second.overwritten_by_older) return {};
    if (!same_core(row->second.core, known->second.core)) return id + " differs from the newest response";
    if (row->second.legs != known->second.legs)
        return "the legs of " + id + " differ from the newest response";
    return {};
}

void ModelDatabase::write_engagement(const FetchedEngagement& fetched, CommitCounts& counts) {
    const Engagement& e = fetched.engagement;
    const std::string id = e.id.str();
    const IncomingState incoming =
        incoming_state(fetched, std::chrono::steady_clock::time_point{now.time_since_epoch()});
    const auto found = rows.find(id);
    const MergePlan plan =
        plan_merge(found == rows.end() ? std::nullopt : std::optional(found->second.state), incoming);
    note_response(fetched, incoming, plan);
    const bool had_legs = found != rows.end() && found->second.state.legs_fetched_at;
    Row& row = rows[id];
    if (plan.write_core) {
        if (!plan.insert && incoming.fetched_at < row.state.fetched_at) {
            broken("an older response overwrote a newer one of " + id);
        }
        row.core = e;
        row.core.legs.reset();
        row.state.core_hash = incoming.core_hash;
        row.missing_since.reset();
    }
    if (plan.insert || plan.write_list_hash) row.state.list_hash = plan.list_hash;
    if (plan.insert || plan.updates()) {
        row.state.fetched_at = fetched_at_after(row.state, incoming);
    }
    if (plan.write_legs) {
        if (!e.legs) broken("a response without legs took the legs of " + id + " away");
        if (row.state.legs_fetched_at && incoming.fetched_at < *row.state.legs_fetched_at) {
            broken("older legs overwrote newer ones of " + id);
        }
        row.legs = e.legs.value_or(RecordList<Leg>{});
        row.state.legs_hash = incoming.legs_hash;
        ++counts.legs;
    }
    if (plan.write_legs || plan.write_legs_fetched_at) row.state.legs_fetched_at = incoming.fetched_at;
    check_stored_state(row.state);
    if (!fetched.site_id.empty()) row.sites.insert(fetched.site_id);
    if (row.first_site.empty()) row.first_site = fetched.site_id;
    plan.insert ? ++counts.inserted : plan.write_core ? ++counts.changed : ++counts.unchanged;

    if (plan.insert || plan.write_core || plan.write_legs) row.changed_at = now;
    if (plan.enqueue_detail) ++counts.queued;
    enqueue(fetched, incoming, plan, had_legs || incoming.legs_hash);
    if (incoming.legs_hash) {
        const bool news = plan.insert || plan.write_legs;
        if (fetched.refetch_in && (news || fetched.source == RecordSource::detail)) {
            ongoing[id] = now + *fetched.refetch_in;
        } else if (!fetched.refetch_in && !plan.insert) {
            ongoing.erase(id);
        }
    }
    rejected_open.erase(id);
}

bool ModelDatabase::is_forgotten(const Engagement& engagement) const {
    return forgotten_engagements.contains(engagement.id.str()) ||
           (engagement.visitor_id && forgotten_visitors.contains(engagement.visitor_id.str()));
}

void ModelDatabase::forget(const ForgetOrder& order) {
    if (order.engagement_id) forgotten_engagements.insert(*order.engagement_id);
    if (order.visitor_id) forgotten_visitors.insert(*order.visitor_id);
}

Erased ModelDatabase::erase(const std::function<bool(const Engagement&)>& which) {
    Erased erased;
    for (auto row = rows.begin(); row != rows.end();) {
        if (!which(row->second.core)) {
            ++row;
            continue;
        }
        erase_work(row->first);
        row = rows.erase(row);
        ++erased.engagements;
    }
    return erased;
}

ErasureStep ModelDatabase::erase_part(const ErasureOrder&) {
    for (const auto& [id, row] : rows) {
        if (is_forgotten(row.core)) forgotten_engagements.insert(id);
    }
    for (const std::string& id : forgotten_engagements) {
        erase_work(id);
    }
    return {erase([&](const Engagement& engagement) { return is_forgotten(engagement); }), true};
}

Erased ModelDatabase::erase_older(Instant before, RetentionCursor& cursor) {
    cursor.stage = RetentionCursor::Stage::finished;
    return erase([&](const Engagement& engagement) { return engagement.created_at < before; });
}

CommitCounts ModelDatabase::commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
    CommitCounts counts;
    if (checkpoint) {
        check_checkpoint(*checkpoint);
        check_fence(*checkpoint);
    }
    const std::set<std::string> lost =
        batch.claimed_by.empty() ? std::set<std::string>{} : lost_claims(batch);
    // If an engagement occurs twice, the later response is used.
    std::map<std::string, const FetchedEngagement*> latest;
    for (const FetchedEngagement& fetched : batch.engagements) {
        if (lost.count(fetched.engagement.id.str())) continue;
        const FetchedEngagement*& slot = latest[fetched.engagement.id.str()];
        if (!slot || slot->fetched_at <= fetched.fetched_at) slot = &fetched;
    }
    for (const auto& [id, fetched] : latest) {
        if (is_forgotten(fetched->engagement)) {
            ++counts.forgotten;
        } else {
            write_engagement(*fetched, counts);
        }
    }
    for (const RejectedFetch& rejected : batch.rejected) {
        const OptionalText& id = rejected.record.engagement_id;
        if (id && !forgotten_engagements.contains(*id)) rejected_open.insert(*id);
        ++counts.rejected;
    }
    Batch kept;
    kept.claimed_by = batch.claimed_by;
    for (const WorkOutcome& outcome : batch.details) {
        if (!lost.count(outcome.job.engagement_id)) kept.details.push_back(outcome);
    }
    complete_details(kept);
    if (checkpoint) write_checkpoint(*checkpoint);  // last: the checks of a watermark read the rows
    return counts;
}

std::vector<CommitCounts> ModelDatabase::commit_together(const std::vector<CheckpointedBatch>& commits) {
    for (const CheckpointedBatch& one : commits) {
        if (one.checkpoint) check_fence(*one.checkpoint);
    }
    std::vector<CommitCounts> counts;
    for (const CheckpointedBatch& one : commits) {
        counts.push_back(commit(*one.batch, one.checkpoint ? std::optional(*one.checkpoint) : std::nullopt));
    }
    return counts;
}

SiteAcquired ModelDatabase::acquire(const SiteKey& key, const std::string& instance_id, Seconds ttl,
                                    bool force) {
    Site& site = sites[key_of(key)];
    SiteAcquired acquired;
    const bool free =
        site.lease_owner.empty() || site.lease_owner == instance_id || site.lease_expires_at <= now;
    const bool due = force || !site.next_poll_at || *site.next_poll_at <= now;
    if (!free || !due) {
        if (site.lease_expires_at > now) acquired.instance_id = site.lease_owner;
        const Instant at = std::max(site.next_poll_at.value_or(now), free ? now : site.lease_expires_at);
        acquired.wait = std::chrono::ceil<Seconds>(at - now);
        acquired.failures = site.failures;
        return acquired;
    }
    site.lease_owner = instance_id;
    ++site.lease_epoch;
    site.lease_expires_at = now + ttl;
    SiteLease lease;
    lease.site_id = key.site_id;
    lease.stream = key.stream;
    lease.epoch = site.lease_epoch;
    lease.synced_through = site.synced_through;
    lease.open_pass = site.open_pass;
    lease.failures = site.failures;
    for (const auto& [back, started] : site.tiers) {
        lease.tiers.push_back({Seconds{back}, std::chrono::floor<Seconds>(now - started)});
    }
    acquired.lease = std::move(lease);
    return acquired;
}

ModelDatabase::Site& ModelDatabase::stream_of(const SiteTarget& lease) {
    return sites[key_of(lease)];
}

void ModelDatabase::renew(const SiteTarget& lease, Seconds ttl) {
    check_epoch(lease.epoch);
    Site& site = sites[key_of(lease)];
    if (site.lease_epoch != lease.epoch || site.lease_owner.empty()) lease_lost(lease.site_id);
    site.lease_expires_at = now + ttl;
}

void ModelDatabase::release(const SiteTarget& lease, const SiteRelease& release) {
    Site& site = sites[key_of(lease)];
    if (site.lease_epoch != lease.epoch || site.lease_owner.empty()) return;
    site.lease_owner.clear();
    site.next_poll_at = now + release.next_poll_in;
    site.failures = release.error.empty() ? 0 : site.failures + 1;
}

void ModelDatabase::release_leases_of_dead(const std::string& instance_id) {
    for (auto& [id, site] : sites) {
        if (site.lease_owner != instance_id) continue;
        site.lease_owner.clear();
        ++site.lease_epoch;
    }
    for (Window& one : windows) {
        if (one.lease_owner != instance_id || one.done) continue;
        one.lease_owner.clear();
        ++one.target.epoch;
    }
    for (Jobs& queue : work) {
        for (auto& [key, job] : queue) {
            if (job.claimed_by == instance_id) job.claimed_by.clear();
        }
    }
}

ResetResult ModelDatabase::reset(const SiteKey& key, Instant to) {
    Site& site = sites[key_of(key)];
    ResetResult result;
    result.before = site.synced_through;
    result.known = site.synced_through.has_value();
    if (!site.synced_through || *site.synced_through <= to) return result;
    result.moved = true;
    site.synced_through = to;
    site.reset_to = to;
    site.open_pass.reset();
    site.next_poll_at = now;
    site.lease_owner.clear();
    ++site.lease_epoch;
    return result;
}

}  // namespace simulation
