#include "sinks/postgres/batch_writer.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "sinks/engagement_plan.hpp"
#include "sinks/postgres/children.hpp"
#include "sinks/postgres/copy.hpp"
#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/marks.hpp"
#include "sinks/postgres/remainder.hpp"
#include "sinks/postgres/rounds.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia::postgres {
namespace {

// Each round lost means that another writer committed one of the new engagements meanwhile; it cannot go on
// for long.
constexpr int kCopyAttempts = 8;
constexpr int kUpdateAttempts = 8;

// Fewer list items than these are asked for by id at once: that many would cost less only if nothing had
// changed.
constexpr std::size_t kWorthAGlance = 8;
// A look at all sites costs as much as to ask for some hundred engagements.
constexpr std::size_t kWorthALook = 200;

// The columns of classify, by their places: to look for names costs more than the rest.
enum StateColumn { kId, kCoreHash, kListHash, kLegsHash, kFetchedAt, kLegsFetchedAt, kSiteKnown };

/// What a bytea in text form holds; nothing of NULL.
std::string bytes_of(std::string_view bytea) {
    return bytea.starts_with("\\x") ? from_hex(bytea.substr(2)).value_or("") : "";
}

std::optional<RecordHash> hash(const pqxx::row& row, StateColumn column) {
    return row[column].is_null() ? std::nullopt : record_hash_from_bytea(row[column].c_str());
}

OptionalInstant instant(const pqxx::row& row, StateColumn column) {
    if (row[column].is_null()) return std::nullopt;
    return Instant{std::chrono::microseconds{row[column].as<std::int64_t>()}};
}

bool truth(const pqxx::row& row, int column) {
    return *row[column].c_str() == 't';
}

StoredState stored_state(const pqxx::row& row) {
    StoredState state;
    state.core_hash = hash(row, kCoreHash).value_or(RecordHash{});
    state.list_hash = hash(row, kListHash);
    state.legs_hash = hash(row, kLegsHash);
    state.fetched_at = instant(row, kFetchedAt).value_or(Instant{});
    state.legs_fetched_at = instant(row, kLegsFetchedAt);
    return state;
}

/// What was found to be stored just as it is shown, by id. The ids belong to the batches.
using Familiar = std::unordered_map<std::string_view, IncomingState>;

/// Writes the engagements of one round.
class Writer {
  public:
    /// `familiar`: what the rounds before have found; what this one finds is added.
    Writer(Transaction& tx, std::vector<Work> works, std::vector<CommitCounts>& counts,
           const EnrichmentWishes& wishes, Familiar& familiar, UndocumentedMembers& undocumented,
           Looks& looks)
        : tx_(tx),
          works_(std::move(works)),
          counts_(counts),
          wishes_(wishes),
          familiar_(familiar),
          undocumented_(undocumented),
          looks_(looks) {
        for (const Work& work : works_) {
            if (std::find(sites_.begin(), sites_.end(), work.site()) == sites_.end())
                sites_.push_back(work.site());
        }
    }

    /// `first`: of what was written together. What comes later has come before, from another site's listing,
    /// so that a look at what this site listed first would not find it.
    void write(bool first) {
        leave_out_familiar(first);
        if (first) presume_new();
        insert_new();
        update_changed();
        add_sites();
        write_queue_names();
        enqueue_details();
        want_enrichments();
        track_ongoing();
        resolve_rejected();
        collect_undocumented_members();
        count();
    }

  private:
    template <typename Keep>
    std::vector<std::string> ids(Keep keep) const {
        std::vector<std::string> list;
        for (const Work& work : works_) {
            if (keep(work)) list.emplace_back(work.id());
        }
        return list;
    }

    /// Takes out what shows nothing but what is stored, which of a page that is read again is nearly all,
    /// without a search for each engagement and without a lock. Of what it passes over, classify() knows
    /// more.
    void leave_out_familiar(bool first) {
        if (first) {
            glance();
        } else {
            for (Work& work : works_) work.as_stored = repeats(work);
        }
        for (const std::string& site : sites_) ask_whether_listed(site);
        std::erase_if(works_, [&](const Work& work) {
            if (!work.familiar) return false;
            ++counts_[work.part].unchanged;
            familiar_.emplace(work.id(), work.incoming);
            return true;
        });
        // What is left may be written, and is then no longer what a round before has found.
        for (const Work& work : works_) familiar_.erase(work.id());
    }

    static bool may_be_glanced_at(const Work& work) {
        return work.incoming.source == RecordSource::list && !work.site().empty();
    }

    /// Looks at each site's time of the pages: what it listed first is told by its hashes, and what other
    /// sites show of that too.
    void glance() {
        struct Span {
            Instant earliest = Instant::max(), latest = Instant::min();
            std::size_t items = 0;
        };
        std::map<std::string_view, Span> spans;
        for (const Work& work : works_) {
            if (!may_be_glanced_at(work)) continue;
            Span& span = spans[work.site()];
            span.earliest = std::min(span.earliest, work.engagement().created_at);
            span.latest = std::max(span.latest, work.engagement().created_at);
            ++span.items;
        }
        std::unordered_map<std::string_view, Work*> by_hash;
        for (const auto& [site, span] : spans) {
            if (span.items < kWorthAGlance) continue;
            const auto rows = tx_.run(sql::familiar, {std::string(site), to_text(span.earliest),
                                                      to_text(span.latest), std::to_string(2 * span.items)});
            const std::string hashes = bytes_of(rows[0][0].c_str());
            if (!hashes.empty() && by_hash.empty()) {
                for (Work& work : works_) {
                    if (may_be_glanced_at(work)) by_hash[work.incoming.core_hash.bytes()] = &work;
                }
            }
            constexpr std::size_t kHash = sizeof(RecordHash);
            for (std::string_view rest = hashes; rest.size() >= 2 * kHash; rest.remove_prefix(2 * kHash)) {
                ++stored_there_;
                const auto found = by_hash.find(rest.substr(0, kHash));
                if (found == by_hash.end()) continue;
                Work& work = *found->second;
                const auto& legs = work.incoming.legs_hash;
                work.as_stored = !legs || legs->bytes() == rest.substr(kHash, kHash);
                work.familiar = work.as_stored && work.site() == site;
            }
        }
        leave_to_classify_what_is_open();
    }

    /// Takes back as_stored from what goes on, or had a record rejected: classify() has more to do for those.
    void leave_to_classify_what_is_open() {
        std::unordered_map<std::string_view, Work*> by_id;
        std::vector<std::string> asked;
        for (Work& work : works_) {
            if (!work.as_stored) continue;
            by_id[work.id()] = &work;
            asked.emplace_back(work.id());
        }
        if (asked.empty()) return;
        for (const auto& row : tx_.run(sql::open_state, {array(asked)})) {
            Work& work = *by_id.at(row[0].c_str());
            work.as_stored = work.familiar = false;
        }
    }

    /// Of a time of which hardly anything is stored, as in a backfill, a look at what there is tells what is
    /// new without a search for each. It may be wrong, for the API may tell another created_at than before,
    /// or another writer be quicker: then the COPY fails, and insert_new() asks for each.
    void presume_new() {
        if (works_.size() < kWorthALook || 4 * stored_there_ > works_.size()) return;
        Instant earliest = Instant::max(), latest = Instant::min();
        for (const Work& work : works_) {
            if (work.incoming.source != RecordSource::list) return;
            earliest = std::min(earliest, work.engagement().created_at);
            latest = std::max(latest, work.engagement().created_at);
        }
        if (!looks_.worth_one()) return;
        if (looks_.first_sites.empty()) looks_.first_sites = first_sites(tx_);
        std::vector<std::string>& known_sites = looks_.first_sites;
        for (const std::string& site : sites_) {
            if (std::find(known_sites.begin(), known_sites.end(), site) == known_sites.end())
                known_sites.push_back(site);
        }
        const bool any_forgotten = anything_forgotten();
        const auto rows =
            any_forgotten ? pqxx::result{}
                          : tx_.run(sql::stored_between, {to_text(earliest), to_text(latest),
                                                          std::to_string(works_.size()), array(known_sites)});
        const bool told = !any_forgotten && static_cast<std::size_t>(rows.size()) < works_.size();
        looks_.told(told);
        if (!told) return;
        std::unordered_set<std::string_view> known;
        for (const auto& row : rows) known.insert(row[0].c_str());
        for (Work& work : works_) work.presumed_new = !known.contains(work.id());
    }

    /// True if a round before has found the same to be stored.
    bool repeats(const Work& work) const {
        const auto before = familiar_.find(work.id());
        if (before == familiar_.end() || work.incoming.source != RecordSource::list) return false;
        const IncomingState &shown = before->second, &now = work.incoming;
        return now.core_hash == shown.core_hash && (!now.legs_hash || now.legs_hash == shown.legs_hash);
    }

    /// Of what is stored as it is shown, but was listed first by another site: is it known that this one
    /// lists it too?
    void ask_whether_listed(const std::string& site) {
        std::unordered_map<std::string_view, Work*> by_id;
        std::vector<std::string> asked;
        for (Work& work : works_) {
            if (!work.as_stored || work.familiar || work.site() != site) continue;
            by_id[work.id()] = &work;
            asked.emplace_back(work.id());
        }
        if (asked.size() < kWorthAGlance) return;
        for (const auto& row : tx_.run(sql::listed_before, {array(asked), site})) {
            by_id.at(row[0].c_str())->familiar = true;
        }
    }

    /// Whether there are tombstones at all; none come until the commit.
    bool anything_forgotten() {
        if (!anything_forgotten_) anything_forgotten_ = truth(tx_.run(sql::anything_forgotten)[0], 0);
        return *anything_forgotten_;
    }

    /// Takes out what somebody had erased.
    void leave_out_forgotten() {
        looked_for_forgotten_ = true;
        Marks marks;
        for (const Work& work : works_) marks.add(work.engagement());
        const std::set<std::size_t> forgotten = marks.forgotten(tx_);
        std::size_t number = 0;
        std::erase_if(works_, [&](const Work& work) {
            const bool out = forgotten.contains(number++);
            if (out) ++counts_[work.part].forgotten;
            return out;
        });
    }

    std::vector<Work*> all() {
        std::vector<Work*> works;
        for (Work& work : works_) works.push_back(&work);
        return works;
    }

    /// What the tables hold of these, without a lock, and what that means for them.
    void classify(const std::vector<Work*>& works) {
        std::unordered_map<std::string_view, Work*> by_id;
        for (Work* work : works) {
            by_id[work->id()] = work;
            work->stored.reset();
            work->site_known = false;
            work->rejected_before = false;
            work->ongoing_before = false;
        }
        if (!looked_for_forgotten_ && anything_forgotten()) {
            leave_out_forgotten();
            return classify(all());
        }
        std::vector<std::string> stored;
        for (const std::string& site : sites_) {
            std::vector<std::string> asked, listed_first_by_others;
            for (const Work* work : works) {
                if (work->site() == site && !work->presumed_new) asked.emplace_back(work->id());
            }
            if (asked.empty()) continue;
            for (const auto& row : tx_.run(sql::classify, {array(asked), site})) {
                Work& work = *by_id.at(row[kId].c_str());
                work.stored = stored_state(row);
                work.core_hash_was = work.stored->core_hash;
                work.site_known = truth(row, kSiteKnown);
                if (!work.site_known) listed_first_by_others.emplace_back(work.id());
                stored.emplace_back(work.id());
            }
            if (listed_first_by_others.empty()) continue;
            for (const auto& row : tx_.run(sql::listed_before, {array(listed_first_by_others), site}))
                by_id.at(row[0].c_str())->site_known = true;
        }
        if (!stored.empty()) {
            for (const auto& row : tx_.run(sql::open_state, {array(stored)})) {
                Work& work = *by_id.at(row[0].c_str());
                (truth(row, 1) ? work.ongoing_before : work.rejected_before) = true;
            }
        }
        for (Work* work : works)
            work->plan = plan_engagement(work->stored, work->engagement(), work->incoming);
    }

    /// COPY of everything that is new. If another writer was quicker with one of them, the database says so,
    /// and that one is found and merged in the next round.
    void insert_new() {
        std::vector<std::string> refused;
        for (int attempt = 1;; ++attempt) {
            classify(all());
            const auto fresh = ids([](const Work& work) { return work.plan.insert; });
            if (fresh.empty()) return;
            // Nobody was quicker with an engagement, so it is children that are in the way.
            if (fresh == refused) {
                erase_children(tx_, fresh);
                tx_.run(sql::erase_details, {array(fresh)});
            }
            Savepoint savepoint(tx_, "copy_new");
            try {
                copy_new();
                savepoint.release();
                return;
            } catch (const pqxx::unique_violation&) {
                savepoint.roll_back();
                if (attempt == kCopyAttempts) throw;
                refused = fresh;
                for (Work& work : works_) work.presumed_new = false;
                looks_.first_sites.clear();
            }
        }
    }

    void copy_new() {
        const auto table = [](const Table& of) { return Rows(of, Rows::Encoding::copy); };
        Rows engagements = table(EngagementTable::table()), sites = table(SiteTable::table()),
             operators = table(OperatorTable::table()), queues = table(QueueRefTable::table()),
             recordings = table(RecordingTable::table()), legs = table(LegTable::table()),
             leg_queues = table(LegQueueTable::table()), details = table(DetailTable::table());
        for (const Work& work : works_) {
            if (!work.plan.insert) continue;
            const Engagement& e = work.engagement();
            RowMetadata metadata;
            if (!work.site().empty()) metadata.first_site_id.borrow(work.site());
            metadata.fetched_at = work.incoming.fetched_at;
            if (work.plan.write_legs) metadata.legs_fetched_at = work.incoming.fetched_at;
            metadata.core_hash = work.incoming.core_hash;
            metadata.list_hash = work.plan.list_hash;
            metadata.legs_hash = work.incoming.legs_hash;
            EngagementTable::add(engagements, e, metadata);
            if (!work.site().empty()) SiteTable::add(sites, {work.id(), work.site()});
            add_operators(operators, e);
            add_queue_refs(queues, e);
            add_recordings(recordings, e);
            add_legs(legs, leg_queues, e);
            if (work.plan.want_detail)
                DetailTable::add(details, {work.id(), e.created_at, work.incoming.fetched_at});
        }
        for (Rows* rows :
             {&engagements, &sites, &operators, &queues, &recordings, &legs, &leg_queues, &details}) {
            copy(tx_, std::move(*rows));
        }
    }

    /// Writes what has changed, if it is still as it was when that was decided; what another writer was
    /// quicker with is decided again. Once a row is written it is ours until the commit, and so are its
    /// children.
    void update_changed() {
        std::vector<const Work*> written;
        std::vector<Work*> open = all();
        for (int attempt = 1;; ++attempt) {
            std::erase_if(open, [](const Work* work) { return !work->plan.updates(); });
            if (open.empty()) break;
            const std::set<std::string> won = update_rows(open);
            std::erase_if(open, [&](const Work* work) {
                const bool is_written = won.contains(std::string(work->id()));
                if (is_written) written.push_back(work);
                return is_written;
            });
            if (open.empty()) break;
            classify(open);
            // One that is gone has been erased: the transaction begins anew and knows.
            const bool gone =
                std::any_of(open.begin(), open.end(), [](const Work* work) { return work->plan.insert; });
            if (gone || attempt == kUpdateAttempts) throw BeginAnew{};
        }
        if (!written.empty()) write_children(written);
    }

    std::set<std::string> update_rows(const std::vector<Work*>& works) {
        Rows rows(EngagementTable::table(), Rows::Encoding::json);
        std::vector<Param> ids, core, changed, core_hashes, list_hashes, legs_hashes, fetched, legs_fetched;
        std::vector<Param> core_was, fetched_was, legs_fetched_was;
        const auto hash_param = [](const std::optional<RecordHash>& hash) {
            return hash ? Param{to_bytea(*hash)} : std::nullopt;
        };
        for (const Work* work : works) {
            const MergePlan& plan = work->plan;
            const StoredState& stored = *work->stored;
            const RowMetadata metadata = metadata_after(*work);
            if (plan.write_core) EngagementTable::add(rows, work->engagement(), metadata);
            ids.emplace_back(std::string(work->id()));
            core.push_back(param(plan.write_core));
            changed.push_back(param(plan.write_core || plan.write_legs));
            core_hashes.push_back(hash_param(metadata.core_hash));
            list_hashes.push_back(hash_param(metadata.list_hash));
            legs_hashes.push_back(hash_param(metadata.legs_hash));
            fetched.push_back(to_text(*metadata.fetched_at));
            legs_fetched.push_back(param(metadata.legs_fetched_at));
            core_was.push_back(to_bytea(work->core_hash_was));
            fetched_was.push_back(to_text(stored.fetched_at));
            legs_fetched_was.push_back(param(stored.legs_fetched_at));
        }
        std::set<std::string> won;
        for (const auto& row :
             tx_.run(sql::update_engagements,
                     {std::move(rows).finished(), array(ids), array(core), array(changed), array(core_hashes),
                      array(list_hashes), array(legs_hashes), array(fetched), array(legs_fetched),
                      array(core_was), array(fetched_was), array(legs_fetched_was), tx_.began_at()})) {
            won.insert(row[0].c_str());
        }
        return won;
    }

    void write_children(const std::vector<const Work*>& works) {
        const auto table = [](const Table& of) { return Rows(of, Rows::Encoding::json); };
        Rows operators = table(OperatorTable::table()), queues = table(QueueRefTable::table()),
             recordings = table(RecordingTable::table()), legs = table(LegTable::table()),
             leg_queues = table(LegQueueTable::table());
        Rows first_legs(LegTable::table(), Rows::Encoding::copy),
            first_leg_queues(LegQueueTable::table(), Rows::Encoding::copy);
        std::vector<std::string> core_ids, leg_ids;
        for (const Work* work : works) {
            const Engagement& e = work->engagement();
            if (work->plan.write_core) {
                add_operators(operators, e);
                add_queue_refs(queues, e);
                add_recordings(recordings, e);
                core_ids.push_back(e.id.str());
            }
            if (work->plan.write_legs && work->stored->legs_fetched_at) {
                add_legs(legs, leg_queues, e);
                leg_ids.push_back(e.id.str());
            } else if (work->plan.write_legs) {
                add_legs(first_legs, first_leg_queues, e);
            }
        }
        const auto replace = [&](std::string_view trim, std::string_view merge, Rows set,
                                 const std::vector<std::string>& of) {
            if (of.empty()) return;
            const std::string rows = std::move(set).finished();
            tx_.run(trim, {rows, array(of)});
            tx_.run(merge, {rows});
        };
        replace(sql::trim_engagement_operators, sql::merge_engagement_operators, std::move(operators),
                core_ids);
        replace(sql::trim_engagement_queues, sql::merge_engagement_queues, std::move(queues), core_ids);
        replace(sql::trim_audio_recordings, sql::merge_audio_recordings, std::move(recordings), core_ids);
        replace(sql::trim_legs, sql::merge_legs, std::move(legs), leg_ids);
        replace(sql::trim_leg_queues, sql::merge_leg_queues, std::move(leg_queues), leg_ids);
        copy(tx_, std::move(first_legs));
        copy(tx_, std::move(first_leg_queues));
    }

    static RowMetadata metadata_after(const Work& work) {
        const StoredState& stored = *work.stored;
        RowMetadata metadata;
        metadata.fetched_at = fetched_at_after(stored, work.incoming);
        metadata.core_hash = work.plan.write_core ? work.incoming.core_hash : stored.core_hash;
        metadata.list_hash = work.plan.list_hash;
        const bool legs_now = work.plan.write_legs || work.plan.mark_legs;
        metadata.legs_fetched_at =
            legs_now ? OptionalInstant{work.incoming.fetched_at} : stored.legs_fetched_at;
        metadata.legs_hash = work.plan.write_legs ? work.incoming.legs_hash : stored.legs_hash;
        return metadata;
    }

    void add_sites() {
        for (const std::string& site : sites_) {
            const auto missing = ids([&](const Work& work) {
                return work.site() == site && !work.plan.insert && !work.site_known;
            });
            if (!missing.empty()) tx_.run(sql::add_sites, {array(missing), site});
        }
    }

    void write_queue_names() {
        QueueNames names;
        for (const Work& work : works_) {
            if (work.plan.insert || work.plan.write_core || work.plan.write_legs) names.add(*work.fetched);
        }
        Rows rows = names.rows();
        if (!rows.empty()) tx_.run(sql::upsert_queues, {std::move(rows).finished()});
    }

    void enqueue_details() {
        std::vector<Param> wanted, created, after;
        for (const Work& work : works_) {
            if (!work.plan.want_detail) continue;
            ++counts_[work.part].queued;
            if (work.plan.insert) continue;  // copied
            wanted.emplace_back(std::string(work.id()));
            created.push_back(to_text(work.engagement().created_at));
            after.push_back(to_text(detail_wanted_after(work.incoming)));
        }
        if (wanted.empty()) return;
        const std::vector<std::string> kinds(wanted.size(), name_of(WorkKind::detail)), items(wanted.size());
        tx_.run(sql::want_work, {array(wanted), array(kinds), array(items), array(created), array(after)});
    }

    /// A transcript is worth fetching once the legs are known: they come with the end of the conversation.
    void want_enrichments() {
        if (!wishes_.any()) return;
        std::vector<std::string> engagements, kinds, items;
        std::vector<Param> created, after;
        const auto want = [&](const Work& work, WorkKind kind, const std::string& item) {
            engagements.emplace_back(work.id());
            kinds.emplace_back(name_of(kind));
            items.push_back(item);
            created.push_back(to_text(work.engagement().created_at));
            after.push_back(to_text(work.incoming.fetched_at));
        };
        for (const Work& work : works_) {
            const bool new_core = work.plan.insert || work.plan.write_core;
            const bool whole = work.incoming.legs_hash || (work.stored && work.stored->legs_fetched_at);
            if (wishes_.transcripts && whole && (new_core || work.plan.write_legs))
                want(work, WorkKind::transcript, "");
            if (!wishes_.recordings || !new_core) continue;
            std::set<std::string> urls;
            for (const RecordText& url : work.engagement().audio_recording_urls) {
                if (!url.value_or("").empty()) urls.insert(url.str());
            }
            for (const std::string& url : urls) want(work, WorkKind::recording, url);
        }
        if (engagements.empty()) return;
        tx_.run(sql::want_work,
                {array(engagements), array(kinds), array(items), array(created), array(after)});
    }

    void track_ongoing() {
        std::vector<Param> ongoing, created, wait;
        std::vector<std::string> ended;
        for (const Work& work : works_) {
            if (!work.incoming.legs_hash) continue;
            const bool news = work.plan.insert || work.plan.write_legs;
            if (work.fetched->refetch_in && (news || work.incoming.source == RecordSource::detail)) {
                ongoing.emplace_back(std::string(work.id()));
                created.push_back(to_text(work.engagement().created_at));
                wait.push_back(std::to_string(work.fetched->refetch_in->count()));
            } else if (!work.fetched->refetch_in && work.ongoing_before) {
                ended.emplace_back(work.id());
            }
        }
        if (!ongoing.empty()) tx_.run(sql::set_ongoing, {array(ongoing), array(created), array(wait)});
        if (!ended.empty()) tx_.run(sql::clear_ongoing, {array(ended)});
    }

    void resolve_rejected() {
        std::vector<std::string> whole, listed;
        for (const Work& work : works_) {
            if (!work.plan.insert && !work.rejected_before) continue;
            const bool with_legs = work.incoming.source == RecordSource::detail || work.incoming.legs_hash;
            (with_legs ? whole : listed).emplace_back(work.id());
        }
        if (!whole.empty() || !listed.empty()) tx_.run(sql::resolve_rejected, {array(whole), array(listed)});
    }

    /// Of what is written only: the same again changes nothing.
    void collect_undocumented_members() {
        for (const Work& work : works_) {
            if (work.plan.insert || work.plan.write_core)
                collect_undocumented(work.engagement(), undocumented_);
            if (work.plan.write_legs) collect_undocumented_of_legs(work.engagement(), undocumented_);
        }
    }

    void count() {
        for (const Work& work : works_) {
            CommitCounts& counts = counts_[work.part];
            if (work.plan.insert) {
                ++counts.inserted;
            } else if (work.plan.write_core) {
                ++counts.changed;
            } else if (work.plan.stale) {
                ++counts.stale;
            } else {
                ++counts.unchanged;
            }
            if (!work.plan.write_legs) continue;
            ++counts.legs;
            counts.leg_rows += static_cast<std::int64_t>(work.fetched->engagement.legs->size());
        }
    }

    Transaction& tx_;
    std::vector<Work> works_;
    bool looked_for_forgotten_ = false;
    std::optional<bool> anything_forgotten_;
    std::size_t stored_there_ = 0;    // how much of it was seen at the glance
    std::vector<std::string> sites_;  // of the listings they come from; "" is that of details
    std::vector<CommitCounts>& counts_;
    const EnrichmentWishes& wishes_;
    Familiar& familiar_;
    UndocumentedMembers& undocumented_;
    Looks& looks_;
};

void record_undocumented(Transaction& tx, const UndocumentedMembers& members) {
    if (members.empty()) return;
    std::vector<Param> paths, kinds, examples, engagements, times;
    for (const auto& [path, member] : members) {
        paths.push_back(path);
        kinds.push_back(name_of(member.kind));
        examples.push_back(member.example);
        engagements.push_back(member.example_of);
        times.push_back(param(member.times));
    }
    tx.run(sql::record_undocumented,
           {array(paths), array(kinds), array(examples), array(engagements), array(times), tx.began_at()});
}

}  // namespace

std::vector<CommitCounts> write_batches(Transaction& tx, const std::vector<const Batch*>& batches,
                                        const EnrichmentWishes& wishes, Looks& looks) {
    std::vector<CommitCounts> counts(batches.size());
    bool first = true;
    Familiar familiar;
    UndocumentedMembers undocumented;
    for (std::vector<Work>& works : rounds(batches)) {
        if (!works.empty())
            Writer(tx, std::move(works), counts, wishes, familiar, undocumented, looks).write(first);
        first = false;
    }
    for (std::size_t part = 0; part < batches.size(); ++part) {
        write_rejected(tx, *batches[part]);
        settle_details(tx, *batches[part]);
        counts[part].rejected = static_cast<std::int64_t>(batches[part]->rejected.size());
    }
    // Last, because every transaction writes the same few rows.
    record_undocumented(tx, undocumented);
    return counts;
}

CommitCounts write_batch(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes, Looks& looks) {
    return write_batches(tx, {&batch}, wishes, looks).front();
}

CommitCounts write_one_by_one(Transaction& tx, const Batch& batch, const EnrichmentWishes& wishes,
                              Looks& looks) {
    CommitCounts counts;
    Batch rest;
    rest.rejected = batch.rejected;
    rest.details = batch.details;
    rest.claim_owner = batch.claim_owner;
    for (const FetchedEngagement& fetched : batch.engagements) {
        Batch one;
        one.engagements.push_back(fetched);
        Savepoint savepoint(tx, "one_engagement");
        try {
            const CommitCounts written = write_batch(tx, one, wishes, looks);
            savepoint.release();
            counts += written;
        } catch (const pqxx::sql_error& error) {
            const std::string code = sqlstate(error);
            const bool of_the_data =
                code.starts_with("22") || code.starts_with("23") || code.starts_with("54");
            if (!of_the_data) throw;
            savepoint.roll_back();
            Rows row(EngagementTable::table(), Rows::Encoding::json);
            EngagementTable::add(row, fetched.engagement, {});
            RejectedFetch rejected{{fetched.engagement.id.str(), std::move(row).finished(),
                                    "PostgreSQL refuses it [" + code + "]"},
                                   fetched.source,
                                   fetched.site_id};
            rest.rejected.push_back(std::move(rejected));
        }
    }
    counts += write_batch(tx, rest, wishes, looks);
    return counts;
}

}  // namespace glia::postgres
