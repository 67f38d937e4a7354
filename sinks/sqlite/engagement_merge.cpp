#include "sinks/sqlite/engagement_merge.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sinks/engagement_plan.hpp"
#include "sinks/sqlite/sql.hpp"
#include "sinks/tombstone.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia::sqlite {
namespace {

/// The stored state of an engagement.
struct Known {
    StoredState state;
    std::vector<std::string> site_ids;
    OptionalText visitor_digest;  ///< of the response that `state.core_hash` comes from
    bool rejected = false;        ///< it has an unresolved rejected record
    bool owed = false;            ///< it has changed and is written with its next detail
};

std::optional<RecordHash> hash(const OptionalText& text) {
    return text ? record_hash_from_hex(*text) : std::nullopt;
}
Value value_of(const std::optional<RecordHash>& hash) {
    return hash ? Value(to_hex(*hash)) : Value();
}

std::optional<ContentHash> visitor_digest(const Engagement& e) {
    if (e.visitor_digest) return e.visitor_digest;
    return e.visitor_id ? std::optional(bytes_hash(*e.visitor_id)) : std::nullopt;
}

/// Returns the batch's details whose claims its instance has lost.
std::set<std::string> lost_claims(Connection& state, const Batch& batch) {
    std::set<std::string> lost;
    if (batch.claimed_by.empty()) return lost;
    for (const WorkOutcome& outcome : batch.details) lost.insert(outcome.job.engagement_id);
    const std::vector<std::string> claimed(lost.begin(), lost.end());
    for (const Row& row : state.run(sql::lock_claimed_work, {list(claimed), batch.claimed_by})) {
        lost.erase(*row.text(0));
    }
    return lost;
}

class EngagementMerge {
  public:
    EngagementMerge(Connection& state, const Batch& batch, RecordWriter& writer)
        : state_(state), batch_(batch), lost_(lost_claims(state, batch)), writer_(writer) {
        any_forgotten_ = state_.run(sql::any_forgotten).at(0).integer(0) != 0;
    }

    CommitCounts run() {
        // If an engagement occurs twice, the later response is used.
        std::map<std::string, const FetchedEngagement*> latest;
        for (const FetchedEngagement& fetched : batch_.engagements) {
            if (lost_.contains(fetched.engagement.id.str())) continue;
            const FetchedEngagement*& slot = latest[fetched.engagement.id.str()];
            if (!slot || slot->fetched_at <= fetched.fetched_at) slot = &fetched;
        }
        std::vector<std::string> ids;
        ids.reserve(latest.size());
        for (const auto& [id, fetched] : latest) ids.push_back(id);
        std::map<std::string, Known> known;
        for (const Row& row : state_.run(sql::known_engagements, {list(ids)})) {
            Known& one = known[*row.text(0)];
            one.state = {hash(row.text(1)).value_or(RecordHash{}), hash(row.text(2)), hash(row.text(3)),
                         *row.instant(4), row.instant(5)};
            one.site_ids = texts(row.text(6).value_or("[]"));
            one.owed = row.integer(7) != 0;
            one.visitor_digest = row.text(8);
            one.rejected = row.integer(9) != 0;
        }
        for (const auto& [id, fetched] : latest) {
            const auto found = known.find(id);
            write_one(*fetched, found == known.end() ? std::nullopt : std::optional(found->second));
        }
        for (const RejectedFetch& rejected : batch_.rejected) reject(rejected);
        for (const WorkOutcome& outcome : batch_.details) {
            if (!lost_.contains(outcome.job.engagement_id)) complete(outcome);
        }
        for (const auto& [path, member] : undocumented_members_) {
            state_.run(sql::record_undocumented_members, {path, std::string(name_of(member.kind)),
                                                          member.example, member.example_of, member.times});
        }
        counts_.rejected = static_cast<std::int64_t>(batch_.rejected.size());
        return counts_;
    }

  private:
    bool is_forgotten(const OptionalText& id, std::vector<std::string> visitor_digests) {
        if (!any_forgotten_) return false;
        const Value digest = id ? Value(to_hex(bytes_hash(*id))) : Value();
        return state_.run(sql::is_forgotten, {digest, std::string("visitor"), list(visitor_digests)})
                   .at(0)
                   .integer(0) != 0;
    }

    void write_one(const FetchedEngagement& fetched, std::optional<Known> known) {
        const Engagement& e = fetched.engagement;
        std::vector<std::string> digests;
        if (e.visitor_digest) digests.push_back(to_hex(*e.visitor_digest));
        if (e.visitor_id) digests.push_back(to_hex(bytes_hash(*e.visitor_id)));
        if (is_forgotten(e.id.str(), std::move(digests))) {
            ++counts_.forgotten;
            return;
        }
        const IncomingState incoming = incoming_state(fetched, std::chrono::steady_clock::now());
        std::optional<StoredState> stored;
        if (known) stored = known->state;
        const MergePlan plan = plan_engagement(stored, e, incoming);
        if (known) known->state = *stored;
        store_and_report(fetched, incoming, plan, known);
        queue(fetched, incoming, plan);
        if (plan.write_core) collect_undocumented_members(e, undocumented_members_);
        if (plan.write_legs) collect_undocumented_of_legs(e, undocumented_members_);
        count(plan, e);
        if (known && !known->rejected) return;
        const bool with_legs = fetched.source == RecordSource::detail || incoming.legs_hash;
        state_.run(sql::resolve_rejected, {e.id.str(), std::int64_t{with_legs}});
    }

    void store_and_report(const FetchedEngagement& fetched, const IncomingState& incoming,
                          const MergePlan& plan, const std::optional<Known>& known) {
        const Engagement& e = fetched.engagement;
        Known after = known.value_or(Known{});
        StoredState& s = after.state;
        const auto at = std::find(after.site_ids.begin(), after.site_ids.end(), fetched.site_id);
        const bool new_site = !fetched.site_id.empty() && at == after.site_ids.end();
        if (new_site) after.site_ids.push_back(fetched.site_id);
        if (plan.write_core) {
            const auto digest = visitor_digest(e);
            s.core_hash = incoming.core_hash;
            after.visitor_digest = digest ? OptionalText(to_hex(*digest)) : std::nullopt;
        }
        if (plan.insert || plan.write_list_hash) s.list_hash = plan.list_hash;
        if (plan.insert || plan.updates()) s.fetched_at = fetched_at_after(s, incoming);
        if (plan.write_legs) s.legs_hash = incoming.legs_hash;
        if (plan.write_legs || plan.write_legs_fetched_at) s.legs_fetched_at = incoming.fetched_at;
        check_stored_state(s);
        // Each line shows the whole engagement. If only the list item of a changed engagement has arrived,
        // the line is owed until its detail arrives. A new engagement is written at once, without legs. A
        // detail is written even if it has no legs: the next one may have none either.
        const bool has_changes = plan.insert || plan.write_core || plan.write_legs || after.owed;
        const bool complete =
            e.legs.has_value() || fetched.source == RecordSource::detail || !s.legs_fetched_at;
        const bool report = has_changes && complete && !plan.stale;
        after.owed = has_changes && !report;
        // Readers use the last line, which has no legs now. If legs arrive, they are written again even if
        // they are the same as before.
        if (report && !e.legs) s.legs_hash.reset();
        // Readers may order the lines by time. Legs may arrive in a detail that was requested before
        // the list item that an earlier line shows, so the time of the response does not order the lines.
        if (report) writer_.write({e, std::max(s.fetched_at, fetched.fetched_at), after.site_ids});
        if (!has_changes && !new_site && !plan.updates()) return;
        state_.run(
            sql::put_engagement,
            {e.id.str(), value(OptionalInstant{e.created_at}), value_of(s.core_hash), value_of(s.list_hash),
             value_of(s.legs_hash), value(OptionalInstant{s.fetched_at}), value(s.legs_fetched_at),
             list(after.site_ids), std::int64_t{after.owed}, value(after.visitor_digest)});
    }

    void queue(const FetchedEngagement& fetched, const IncomingState& incoming, const MergePlan& plan) {
        const Engagement& e = fetched.engagement;
        if (plan.enqueue_detail) {
            state_.run(sql::enqueue_work, {e.id.str(), value(OptionalInstant{e.created_at}),
                                           value(OptionalInstant{detail_wanted_after(incoming)})});
            ++counts_.queued;
        }
        if (!incoming.legs_hash) return;
        const bool new_legs = plan.insert || plan.write_legs;
        if (fetched.refetch_in && (new_legs || fetched.source == RecordSource::detail)) {
            state_.run(sql::set_ongoing,
                       {e.id.str(), value(OptionalInstant{e.created_at}), value(*fetched.refetch_in)});
        } else if (!fetched.refetch_in && !plan.insert) {
            state_.run(sql::clear_ongoing, {e.id.str()});
        }
    }

    void reject(const RejectedFetch& rejected) {
        const RejectedRecord& record = rejected.record;
        std::vector<std::string> digests;
        if (record.visitor_digest) digests.push_back(to_hex(*record.visitor_digest));
        // A malformed record may hide the member that has the visitor's id.
        if (any_forgotten_) {
            for (const ContentHash& visitor : possible_person_digests(record.payload))
                digests.push_back(to_hex(visitor));
        }
        if (is_forgotten(record.engagement_id, std::move(digests))) return;
        state_.run(sql::reject_record, {rejected.site_id.empty() ? Value() : Value(rejected.site_id),
                                        std::string(name_of(rejected.source)), value(record.engagement_id),
                                        record.reason, record.payload, to_hex(bytes_hash(record.payload))});
    }

    void complete(const WorkOutcome& outcome) {
        if (outcome.fetched_at) {
            const OptionalInstant latest = latest_wanted_after(outcome, std::chrono::steady_clock::now());
            if (state_.write(sql::remove_work,
                             {outcome.job.engagement_id, value(outcome.fetched_at), value(latest)}) == 0)
                state_.run(sql::complete_work, {outcome.job.engagement_id});
            return;
        }
        state_.run(sql::fail_work, {outcome.job.engagement_id, std::int64_t{outcome.attempted}, outcome.error,
                                    value(outcome.retry_in), std::int64_t{outcome.parked}});
    }

    void count(const MergePlan& plan, const Engagement& e) {
        if (plan.insert) {
            ++counts_.inserted;
        } else if (plan.write_core) {
            ++counts_.changed;
        } else if (plan.stale) {
            ++counts_.stale;
        } else {
            ++counts_.unchanged;
        }
        if (!plan.write_legs) return;
        ++counts_.legs;
        counts_.leg_rows += static_cast<std::int64_t>(e.legs->size());
    }

    Connection& state_;
    const Batch& batch_;
    const std::set<std::string> lost_;
    RecordWriter& writer_;
    CommitCounts counts_;
    UndocumentedMembers undocumented_members_;
    bool any_forgotten_ = false;
};

}  // namespace

CommitCounts merge_batch(Connection& connection, const Batch& batch, RecordWriter& writer) {
    return EngagementMerge(connection, batch, writer).run();
}

}  // namespace glia::sqlite
