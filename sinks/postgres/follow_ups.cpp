#include "sinks/postgres/follow_ups.hpp"

#include <set>
#include <string>

#include "sinks/postgres/name_history.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {
namespace {

void write_queue_names(Transaction& tx, const std::vector<MergeItem>& items) {
    QueueNames names;
    for (const MergeItem& item : items) {
        if (item.writes_core() || item.plan.write_legs) names.add(*item.fetched);
    }
    Rows rows = names.rows();
    if (rows.empty()) return;
    CurrentNames current;
    for (const auto& row : tx.run(sql::upsert_queues, {std::move(rows).finished()})) {
        current.ids.emplace_back(text(row, "id"));
        current.names.emplace_back(text(row, "name"));
        current.since.emplace_back(text(row, "since"));
    }
    record_names(tx, "queue", current);
}

/// The parameters of enqueue_work: arrays with one element per job.
struct WantedJobs {
    std::vector<std::string> engagements, kinds, items;
    std::vector<Param> created, after;

    void add(const MergeItem& item, WorkKind kind, const std::string& what, Instant wanted_after) {
        engagements.emplace_back(item.id());
        kinds.emplace_back(name_of(kind));
        items.push_back(what);
        created.push_back(to_text(item.engagement().created_at));
        after.push_back(to_text(wanted_after));
    }
};

void add_recordings(const MergeItem& item, WantedJobs& jobs) {
    std::set<std::string> distinct;
    for (const RecordText& url : item.engagement().audio_recording_urls) {
        if (!url.value_or("").empty()) distinct.insert(url.str());
    }
    for (const std::string& url : distinct)
        jobs.add(item, WorkKind::recording, url, item.incoming.fetched_at);
}

/// Queues details and enrichers' work. A transcript is queued when an engagement whose legs are known is new
/// or has changed.
void enqueue_work(Transaction& tx, const std::vector<MergeItem>& items, const EnabledEnrichers& enrichers) {
    WantedJobs jobs;
    for (const MergeItem& item : items) {
        // PlanWriter has already queued the details of new engagements by COPY.
        if (item.plan.enqueue_detail && !item.plan.insert)
            jobs.add(item, WorkKind::detail, "", detail_wanted_after(item.incoming));
        const bool has_legs = item.incoming.legs_hash || (item.stored && item.stored->legs_fetched_at);
        if (enrichers.transcripts && has_legs && (item.writes_core() || item.plan.write_legs))
            jobs.add(item, WorkKind::transcript, "", item.incoming.fetched_at);
        if (enrichers.recordings && item.writes_core()) add_recordings(item, jobs);
    }
    if (jobs.engagements.empty()) return;
    tx.run(sql::enqueue_work, {array(jobs.engagements), array(jobs.kinds), array(jobs.items),
                               array(jobs.created), array(jobs.after)});
}

void track_ongoing(Transaction& tx, const std::vector<MergeItem>& items) {
    std::vector<Param> ongoing, created, wait;
    std::vector<std::string> ended;
    for (const MergeItem& item : items) {
        if (!item.incoming.legs_hash) continue;
        const bool is_read_anew =
            item.plan.insert || item.plan.write_legs || item.incoming.source == RecordSource::detail;
        const auto& refetch_in = item.fetched->refetch_in;
        if (refetch_in && is_read_anew) {
            ongoing.emplace_back(std::string(item.id()));
            created.push_back(to_text(item.engagement().created_at));
            wait.push_back(std::to_string(refetch_in->count()));
        } else if (!refetch_in && item.was_ongoing) {
            ended.emplace_back(item.id());
        }
    }
    if (!ongoing.empty()) tx.run(sql::set_ongoing, {array(ongoing), array(created), array(wait)});
    if (!ended.empty()) tx.run(sql::clear_ongoing, {array(ended)});
}

/// A readable record resolves the earlier rejects of its engagement. A list item without legs resolves only
/// rejected list items.
void resolve_rejects(Transaction& tx, const std::vector<MergeItem>& items) {
    std::vector<std::string> with_legs, without_legs;
    for (const MergeItem& item : items) {
        if (!item.plan.insert && !item.has_open_reject) continue;
        const bool has_legs = item.incoming.source == RecordSource::detail || item.incoming.legs_hash;
        (has_legs ? with_legs : without_legs).emplace_back(item.id());
    }
    if (with_legs.empty() && without_legs.empty()) return;
    tx.run(sql::resolve_rejected, {array(with_legs), array(without_legs)});
}

void count(const MergeItem& item, CommitCounts& counts) {
    if (item.plan.enqueue_detail) ++counts.queued;
    if (item.plan.insert) {
        ++counts.inserted;
    } else if (item.plan.write_core) {
        ++counts.changed;
    } else if (item.plan.stale) {
        ++counts.stale;
    } else {
        ++counts.unchanged;
    }
    if (item.is_newly_listed()) ++counts.newly_listed;
    if (!item.plan.write_legs) return;
    ++counts.legs;
    counts.leg_rows += static_cast<std::int64_t>(item.engagement().legs->size());
}

}  // namespace

void write_follow_ups(Transaction& tx, const std::vector<MergeItem>& items, const EnabledEnrichers& enrichers,
                      std::vector<CommitCounts>& counts) {
    write_queue_names(tx, items);
    enqueue_work(tx, items, enrichers);
    track_ongoing(tx, items);
    resolve_rejects(tx, items);
    for (const MergeItem& item : items) count(item, counts[item.batch_index]);
}

void collect_undocumented_members(const std::vector<MergeItem>& items, UndocumentedMembers& members) {
    for (const MergeItem& item : items) {
        if (item.writes_core()) glia::collect_undocumented_members(item.engagement(), members);
        if (item.plan.write_legs) collect_undocumented_of_legs(item.engagement(), members);
    }
}

void write_undocumented_members(Transaction& tx, const UndocumentedMembers& members) {
    if (members.empty()) return;
    std::vector<Param> paths, kinds, examples, engagements, times;
    for (const auto& [path, member] : members) {
        paths.push_back(path);
        kinds.push_back(name_of(member.kind));
        examples.push_back(member.example);
        engagements.push_back(member.example_of);
        times.push_back(param(member.times));
    }
    tx.run(sql::record_undocumented_members,
           {array(paths), array(kinds), array(examples), array(engagements), array(times), tx.began_at()});
}

}  // namespace glia::postgres
