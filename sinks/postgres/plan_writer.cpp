#include "sinks/postgres/plan_writer.hpp"

#include <algorithm>

#include "sinks/postgres/children.hpp"
#include "sinks/postgres/copy.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/timestamp.hpp"

namespace glia::postgres {
namespace {

// Each attempt that fails means that another writer committed one of the engagements meanwhile.
constexpr int kMaxCopyAttempts = 8;
constexpr int kMaxUpdateAttempts = 8;

/// The row's metadata after the plan is written.
RowMetadata metadata_after(const MergeItem& item) {
    const StoredState& stored = *item.stored;
    RowMetadata metadata;
    metadata.fetched_at = fetched_at_after(stored, item.incoming);
    metadata.core_hash = item.plan.write_core ? item.incoming.core_hash : stored.core_hash;
    metadata.list_hash = item.plan.list_hash;
    const bool legs_are_read = item.plan.write_legs || item.plan.write_legs_fetched_at;
    metadata.legs_fetched_at =
        legs_are_read ? OptionalInstant{item.incoming.fetched_at} : stored.legs_fetched_at;
    metadata.legs_hash = item.plan.write_legs ? item.incoming.legs_hash : stored.legs_hash;
    return metadata;
}

/// True if the plan writes legs and all of them have ended.
bool writes_complete_legs(const MergeItem& item) {
    return item.plan.write_legs && !is_ongoing(item.engagement(), item.incoming.fetched_at);
}

/// The metadata of a new row.
RowMetadata metadata_of_new(const MergeItem& item, OptionalInstant now) {
    RowMetadata metadata;
    if (!item.site().empty()) metadata.first_site_id.borrow(item.site());
    metadata.fetched_at = item.incoming.fetched_at;
    if (item.plan.write_legs) metadata.legs_fetched_at = item.incoming.fetched_at;
    metadata.core_hash = item.incoming.core_hash;
    metadata.list_hash = item.plan.list_hash;
    metadata.legs_hash = item.incoming.legs_hash;
    if (writes_complete_legs(item)) metadata.first_complete_at = now;
    return metadata;
}

/// Rows of all tables of new engagements, encoded for COPY.
struct NewRows {
    static Rows rows(const Table& table) { return {table, Rows::Encoding::copy}; }

    Rows engagements = rows(EngagementTable::table());
    Rows sites = rows(SiteTable::table());
    Rows operators = rows(OperatorTable::table());
    Rows queues = rows(QueueRefTable::table());
    Rows recordings = rows(RecordingTable::table());
    Rows legs = rows(LegTable::table());
    Rows leg_queues = rows(LegQueueTable::table());
    Rows details = rows(DetailTable::table());

    void add(const MergeItem& item, OptionalInstant now) {
        const Engagement& e = item.engagement();
        EngagementTable::add(engagements, e, metadata_of_new(item, now));
        if (!item.site().empty()) SiteTable::add(sites, {item.id(), item.site()});
        add_operators(operators, e);
        add_queue_refs(queues, e);
        add_recordings(recordings, e);
        add_legs(legs, leg_queues, e);
        if (item.plan.enqueue_detail)
            DetailTable::add(details, {item.id(), e.created_at, item.incoming.fetched_at});
    }
    void copy_to(Transaction& tx) {
        for (Rows* table :
             {&engagements, &sites, &operators, &queues, &recordings, &legs, &leg_queues, &details}) {
            copy(tx, std::move(*table));
        }
    }
};

/// The parameters of update_engagements: arrays with one element per item.
struct UpdateColumns {
    Rows rows{EngagementTable::table(), Rows::Encoding::json};
    std::vector<Param> ids, write_core, changed, complete, core_hashes, list_hashes, legs_hashes, fetched_at,
        legs_fetched_at;
    std::vector<Param> stored_core_hashes, stored_fetched_at, stored_legs_fetched_at;

    void add(const MergeItem& item) {
        const MergePlan& plan = item.plan;
        const RowMetadata metadata = metadata_after(item);
        if (plan.write_core) EngagementTable::add(rows, item.engagement(), metadata);
        ids.emplace_back(std::string(item.id()));
        write_core.push_back(param(plan.write_core));
        changed.push_back(param(plan.write_core || plan.write_legs));
        complete.push_back(param(writes_complete_legs(item)));
        core_hashes.push_back(bytea(metadata.core_hash));
        list_hashes.push_back(bytea(metadata.list_hash));
        legs_hashes.push_back(bytea(metadata.legs_hash));
        fetched_at.push_back(to_text(*metadata.fetched_at));
        legs_fetched_at.push_back(param(metadata.legs_fetched_at));
        stored_core_hashes.push_back(to_bytea(item.stored_core_hash));
        stored_fetched_at.push_back(to_text(item.stored->fetched_at));
        stored_legs_fetched_at.push_back(param(item.stored->legs_fetched_at));
    }
    Params finished(const std::string& now) && {
        return {std::move(rows).finished(),
                array(ids),
                array(write_core),
                array(changed),
                array(complete),
                array(core_hashes),
                array(list_hashes),
                array(legs_hashes),
                array(fetched_at),
                array(legs_fetched_at),
                array(stored_core_hashes),
                array(stored_fetched_at),
                array(stored_legs_fetched_at),
                now};
    }

  private:
    static Param bytea(const std::optional<RecordHash>& hash) {
        return hash ? Param{to_bytea(*hash)} : std::nullopt;
    }
};

/// Rows of a child table that replace all rows of some engagements.
struct ChildSet {
    Rows rows;
    explicit ChildSet(const Table& table) : rows(table, Rows::Encoding::json) {}

    /// `trim` deletes rows that are not in the set, `merge` writes those that differ.
    void replace(Transaction& tx, std::string_view trim, std::string_view merge,
                 const std::vector<std::string>& engagements) && {
        if (engagements.empty()) return;
        const std::string set = std::move(rows).finished();
        tx.run(trim, {set, array(engagements)});
        tx.run(merge, {set});
    }
};

}  // namespace

std::vector<MergeItem*> PlanWriter::all_items() {
    std::vector<MergeItem*> items;
    for (MergeItem& item : items_) items.push_back(&item);
    return items;
}

/// Plans all items, and copies the new ones. If another writer has inserted one of them first, the COPY fails
/// on the primary key; the next attempt finds that row and merges into it.
void PlanWriter::insert_new() {
    std::vector<std::string> refused;
    for (int attempt = 1;; ++attempt) {
        comparison_.plan_by_id(all_items(), sites_);
        std::vector<std::string> inserted;
        for (const MergeItem& item : items_) {
            if (item.plan.insert) inserted.emplace_back(item.id());
        }
        if (inserted.empty()) return;
        // A lookup found none of the refused engagements, so the conflict is with orphaned child rows.
        if (inserted == refused) {
            erase_children(tx_, inserted);
            tx_.run(sql::erase_details, {array(inserted)});
        }
        Savepoint savepoint(tx_, "copy_new");
        try {
            copy_new();
            savepoint.release();
            return;
        } catch (const pqxx::unique_violation&) {
            savepoint.roll_back();
            if (attempt == kMaxCopyAttempts) throw;
            refused = inserted;
            comparison_.distrust_range_scan(items_);
        }
    }
}

void PlanWriter::copy_new() {
    NewRows rows;
    const OptionalInstant now = parse_timestamp(tx_.began_at());
    for (const MergeItem& item : items_) {
        if (item.plan.insert) rows.add(item, now);
    }
    rows.copy_to(tx_);
}

/// Updates the rows that have not changed since they were planned, and plans the others again. An updated row
/// stays locked until the commit, which protects its children too.
void PlanWriter::update_changed() {
    std::vector<const MergeItem*> updated;
    std::vector<MergeItem*> open = all_items();
    for (int attempt = 1;; ++attempt) {
        std::erase_if(open, [](const MergeItem* item) { return !item->plan.updates(); });
        if (open.empty()) break;
        const std::set<std::string> ids = update_rows(open);
        std::erase_if(open, [&](const MergeItem* item) {
            const bool is_updated = ids.contains(std::string(item->id()));
            if (is_updated) updated.push_back(item);
            return is_updated;
        });
        if (open.empty()) break;
        comparison_.plan_by_id(open, sites_);
        const bool is_erased =
            std::any_of(open.begin(), open.end(), [](const MergeItem* item) { return item->plan.insert; });
        if (is_erased || attempt == kMaxUpdateAttempts) throw RestartTransaction{};
    }
    if (!updated.empty()) replace_children(updated);
}

/// Returns the ids of the rows that it has updated.
std::set<std::string> PlanWriter::update_rows(const std::vector<MergeItem*>& items) {
    UpdateColumns columns;
    for (const MergeItem* item : items) columns.add(*item);
    std::set<std::string> updated;
    for (const auto& row : tx_.run(sql::update_engagements, std::move(columns).finished(tx_.began_at())))
        updated.insert(row[0].c_str());
    return updated;
}

void PlanWriter::replace_children(const std::vector<const MergeItem*>& items) {
    ChildSet operators(OperatorTable::table()), queues(QueueRefTable::table()),
        recordings(RecordingTable::table()), legs(LegTable::table()), leg_queues(LegQueueTable::table());
    Rows first_legs(LegTable::table(), Rows::Encoding::copy);
    Rows first_leg_queues(LegQueueTable::table(), Rows::Encoding::copy);
    std::vector<std::string> with_core, with_legs;
    for (const MergeItem* item : items) {
        const Engagement& e = item->engagement();
        if (item->plan.write_core) {
            add_operators(operators.rows, e);
            add_queue_refs(queues.rows, e);
            add_recordings(recordings.rows, e);
            with_core.push_back(e.id.str());
        }
        if (item->plan.write_legs && item->stored->legs_fetched_at) {
            add_legs(legs.rows, leg_queues.rows, e);
            with_legs.push_back(e.id.str());
        } else if (item->plan.write_legs) {
            add_legs(first_legs, first_leg_queues, e);
        }
    }
    std::move(operators).replace(tx_, sql::trim_engagement_operators, sql::merge_engagement_operators,
                                 with_core);
    std::move(queues).replace(tx_, sql::trim_engagement_queues, sql::merge_engagement_queues, with_core);
    std::move(recordings).replace(tx_, sql::trim_audio_recordings, sql::merge_audio_recordings, with_core);
    std::move(legs).replace(tx_, sql::trim_legs, sql::merge_legs, with_legs);
    std::move(leg_queues).replace(tx_, sql::trim_leg_queues, sql::merge_leg_queues, with_legs);
    copy(tx_, std::move(first_legs));
    copy(tx_, std::move(first_leg_queues));
}

void PlanWriter::add_sites() {
    for (const std::string& site : sites_) {
        std::vector<std::string> missing;
        for (const MergeItem& item : items_) {
            if (item.site() == site && item.is_newly_listed()) missing.emplace_back(item.id());
        }
        if (!missing.empty()) tx_.run(sql::add_sites, {array(missing), site});
    }
}

}  // namespace glia::postgres
