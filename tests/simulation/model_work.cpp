// The part of the modelled database that keeps the work queue, and what enrichers fetch.
#include <algorithm>

#include "sinks/timestamp.hpp"
#include "tests/simulation/model_database.hpp"

namespace simulation {
namespace {

// Few, so that a history with few engagements needs several parts.
constexpr std::size_t kMissedAtOnce = 3;
// The hour that queued_through in sinks/postgres/sql/enrichment.sql subtracts, for transactions that were
// open when the scan began.
constexpr Seconds kMargin{3600};

ModelDatabase::JobKey key_of(const WorkJob& job) {
    return {job.engagement_id, job.item};
}

}  // namespace

/// Does the same as enqueue_work in sinks/postgres/sql/work_queue.sql.
void ModelDatabase::enqueue(WorkKind kind, const JobKey& key, Instant created_at, Instant wanted_after) {
    const auto [entry, is_new] = jobs(kind).try_emplace(key);
    if (!is_new && kind == WorkKind::recording) return;
    QueuedWork& job = entry->second;
    job.created_at = created_at;
    job.wanted_after = is_new ? wanted_after : std::max(job.wanted_after, wanted_after);
    job.next_attempt_at = is_new ? now : std::min(job.next_attempt_at, now);
    job.changed_at = now;
    job.attempts = 0;
    job.parked = false;
    job.waiting = true;
}

/// Enqueues work for a written engagement (sinks/postgres/follow_ups.cpp).
void ModelDatabase::enqueue(const FetchedEngagement& fetched, const IncomingState& incoming,
                            const MergePlan& plan, bool has_legs) {
    const Engagement& e = fetched.engagement;
    const std::string id = e.id.str();
    const bool writes_core = plan.insert || plan.write_core;
    if (plan.enqueue_detail) enqueue(WorkKind::detail, {id, ""}, e.created_at, detail_wanted_after(incoming));
    if (enrichers.transcripts && has_legs && (writes_core || plan.write_legs))
        enqueue(WorkKind::transcript, {id, ""}, e.created_at, incoming.fetched_at);
    if (!enrichers.recordings || !writes_core) return;
    for (const RecordText& url : e.audio_recording_urls)
        enqueue(WorkKind::recording, {id, url.str()}, e.created_at, incoming.fetched_at);
}

std::set<std::string> ModelDatabase::lost_claims(const Batch& batch) const {
    std::set<std::string> lost;
    const Jobs& details = jobs(WorkKind::detail);
    for (const WorkOutcome& outcome : batch.details) {
        const auto job = details.find(key_of(outcome.job));
        if (job == details.end() || job->second.claimed_by != batch.claimed_by)
            lost.insert(outcome.job.engagement_id);
    }
    return lost;
}

void ModelDatabase::complete(const WorkOutcome& outcome, QueuedWork& job) {
    job.claimed_by.clear();
    if (outcome.fetched_at) {
        job.waiting = job.wanted_after > *outcome.fetched_at;
        job.next_attempt_at = now;
        job.attempts = 0;
        job.parked = false;
    } else if (outcome.attempted) {
        ++job.attempts;
        job.next_attempt_at = now + outcome.retry_in;
        job.parked = outcome.parked;
    }
}

void ModelDatabase::complete_details(const Batch& batch) {
    Jobs& details = jobs(WorkKind::detail);
    for (const WorkOutcome& outcome : batch.details) {
        const auto entry = details.find(key_of(outcome.job));
        if (entry == details.end()) continue;
        QueuedWork& job = entry->second;
        if (!job.claimed_by.empty() && job.claimed_by != batch.claimed_by) {
            broken("a detail of " + outcome.job.engagement_id +
                   " was completed by an instance that no longer held it");
        }
        complete(outcome, job);
        if (!job.waiting) details.erase(entry);
    }
}

ClaimResult ModelDatabase::complete(WorkKind kind, const WorkOutcome& outcome,
                                    const std::string& instance_id) {
    const JobKey key = key_of(outcome.job);
    const auto entry = jobs(kind).find(key);
    if (entry == jobs(kind).end()) return ClaimResult::erased;
    QueuedWork& job = entry->second;
    if (job.claimed_by != instance_id) return ClaimResult::lost;
    const auto refuses = refuses_until.find(key.first);
    if (outcome.messages && refuses != refuses_until.end() && refuses->second > now)
        throw SinkError(SinkError::Kind::internal, "a value is not accepted");
    complete(outcome, job);
    if (!outcome.fetched_at) return ClaimResult::written;
    if (outcome.messages) transcripts[key.first] = {*outcome.fetched_at, *outcome.messages};
    if (outcome.file) recordings[key] = *outcome.file;
    return ClaimResult::written;
}

std::int64_t ModelDatabase::enqueue_ongoing(bool all) {
    std::int64_t queued = 0;
    for (auto& [id, next] : ongoing) {
        if (next > now && !all) continue;
        next = now + std::chrono::minutes{10};
        const auto [entry, is_new] = jobs(WorkKind::detail).try_emplace({id, ""});
        if (!is_new) continue;
        entry->second.wanted_after = Instant::min();
        entry->second.created_at = rows.at(id).core.created_at;
        entry->second.next_attempt_at = now;
        ++queued;
    }
    return queued;
}

std::optional<MissedCursor> ModelDatabase::enqueue_missed(WorkKind kind,
                                                          const std::optional<MissedCursor>& after) {
    std::vector<std::pair<std::string, std::string>> missed;
    const auto since = enqueued_through.find(kind);
    for (const auto& [id, row] : rows) {
        std::pair at{to_iso8601(row.changed_at), id};
        if (since != enqueued_through.end() && row.changed_at < since->second) continue;
        if (!after || at > std::pair(after->changed_at, after->engagement_id))
            missed.push_back(std::move(at));
    }
    std::sort(missed.begin(), missed.end());
    if (missed.size() > kMissedAtOnce) missed.resize(kMissedAtOnce);
    for (const auto& [changed_at, id] : missed) {
        const Row& row = rows.at(id);
        const auto enqueue_one = [&, &name = id](const std::string& item) {
            const auto job = jobs(kind).find({name, item});
            if (job != jobs(kind).end() && job->second.changed_at >= row.changed_at) return;
            enqueue(kind, {name, item}, row.core.created_at, row.state.fetched_at);
            jobs(kind).at({name, item}).changed_at = row.changed_at;
        };
        if (kind == WorkKind::recording) {
            for (const RecordText& url : row.core.audio_recording_urls) enqueue_one(url.str());
        } else if (row.state.legs_fetched_at) {
            enqueue_one("");
        }
    }
    if (missed.size() < kMissedAtOnce) return std::nullopt;
    return MissedCursor{missed.back().first, missed.back().second};
}

void ModelDatabase::record_enqueued(WorkKind kind, Seconds ago) {
    Instant& through = enqueued_through.try_emplace(kind, Instant::min()).first->second;
    through = std::max<Instant>(through, now - ago - kMargin);
}

std::vector<WorkJob> ModelDatabase::claim(const WorkClaim& claim) {
    std::vector<std::pair<Instant, JobKey>> due;
    for (const auto& [key, job] : jobs(claim.kind)) {
        if (!job.waiting || job.next_attempt_at > now) continue;
        if (!job.claimed_by.empty() && job.claimed_until > now) continue;
        due.emplace_back(job.created_at, key);
    }
    std::sort(due.rbegin(), due.rend());
    if (due.size() > static_cast<std::size_t>(claim.limit)) due.resize(static_cast<std::size_t>(claim.limit));
    std::vector<WorkJob> claimed;
    for (const auto& [created, key] : due) {
        QueuedWork& job = jobs(claim.kind).at(key);
        job.claimed_by = claim.instance_id;
        job.claimed_until = now + claim.ttl;
        claimed.push_back({key.first, key.second, job.attempts});
    }
    return claimed;
}

void ModelDatabase::renew(WorkKind kind, const std::string& instance_id, const std::vector<WorkJob>& held,
                          Seconds ttl) {
    for (const WorkJob& one : held) {
        const auto job = jobs(kind).find(key_of(one));
        if (job != jobs(kind).end() && job->second.claimed_by == instance_id)
            job->second.claimed_until = now + ttl;
    }
}

std::int64_t ModelDatabase::due(WorkKind kind) {
    return std::count_if(jobs(kind).begin(), jobs(kind).end(), [&](const auto& entry) {
        return entry.second.waiting && entry.second.next_attempt_at <= now;
    });
}

void ModelDatabase::erase_work(const std::string& id) {
    for (Jobs& queue : work) std::erase_if(queue, [&](const auto& entry) { return entry.first.first == id; });
    transcripts.erase(id);
    std::erase_if(recordings, [&](const auto& entry) { return entry.first.first == id; });
    ongoing.erase(id);
    rejected_open.erase(id);
}

}  // namespace simulation
