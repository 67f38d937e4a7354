// The part of the modelled database that keeps the detail queue.
#include <algorithm>

#include "tests/simulation/model_database.hpp"

namespace simulation {

std::set<std::string> ModelDatabase::lost_claims(const Batch& batch) const {
    std::set<std::string> lost;
    for (const WorkOutcome& outcome : batch.details) {
        const auto queued = details.find(outcome.job.engagement_id);
        if (queued == details.end() || queued->second.claimed_by != batch.claim_owner)
            lost.insert(outcome.job.engagement_id);
    }
    return lost;
}

void ModelDatabase::settle(const Batch& batch) {
    for (const WorkOutcome& outcome : batch.details) {
        const auto entry = details.find(outcome.job.engagement_id);
        if (entry == details.end()) continue;
        QueuedDetail& queued = entry->second;
        if (!queued.claimed_by.empty() && queued.claimed_by != batch.claim_owner) {
            broken("a detail of " + outcome.job.engagement_id +
                   " was settled by an instance that no longer held it");
        }
        queued.claimed_by.clear();
        if (outcome.fetched_at) {
            if (queued.wanted_after <= *outcome.fetched_at) {
                details.erase(entry);
            } else {
                queued.next_attempt_at = now;
                queued.attempts = 0;
                queued.parked = false;
            }
        } else if (outcome.attempted) {
            ++queued.attempts;
            queued.next_attempt_at = now + outcome.retry_in;
            queued.parked = outcome.parked;
        }
    }
}

std::int64_t ModelDatabase::enqueue_ongoing(bool all) {
    std::int64_t queued = 0;
    for (auto& [id, next] : ongoing) {
        if (next > now && !all) continue;
        next = now + std::chrono::minutes{10};
        const auto [entry, is_new] = details.try_emplace(id);
        if (!is_new) continue;
        entry->second.wanted_after = Instant::min();
        entry->second.created_at = rows.at(id).core.created_at;
        entry->second.next_attempt_at = now;
        ++queued;
    }
    return queued;
}

std::vector<WorkJob> ModelDatabase::claim(const WorkClaim& claim) {
    std::vector<std::pair<Instant, std::string>> due;
    for (const auto& [id, queued] : details) {
        if (queued.next_attempt_at > now) continue;
        if (!queued.claimed_by.empty() && queued.claimed_until > now) continue;
        due.emplace_back(queued.created_at, id);
    }
    std::sort(due.rbegin(), due.rend());
    if (due.size() > static_cast<std::size_t>(claim.limit)) due.resize(static_cast<std::size_t>(claim.limit));
    std::vector<WorkJob> jobs;
    for (const auto& [created, id] : due) {
        QueuedDetail& queued = details.at(id);
        queued.claimed_by = claim.owner;
        queued.claimed_until = now + claim.ttl;
        jobs.push_back({id, "", queued.attempts});
    }
    return jobs;
}

void ModelDatabase::renew(WorkKind, const std::string& owner, const std::vector<WorkJob>& jobs, Seconds ttl) {
    for (const WorkJob& job : jobs) {
        const auto queued = details.find(job.engagement_id);
        if (queued != details.end() && queued->second.claimed_by == owner)
            queued->second.claimed_until = now + ttl;
    }
}

std::int64_t ModelDatabase::due(WorkKind) {
    return std::count_if(details.begin(), details.end(),
                         [&](const auto& entry) { return entry.second.next_attempt_at <= now; });
}

}  // namespace simulation
