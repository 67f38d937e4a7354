#include "sinks/postgres/record_comparison.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "sinks/postgres/leg_comparison.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stored_cells.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/postgres/tombstone_lookup.hpp"

namespace glia::postgres {
namespace {

/// The rows that a table should have for some engagements, and the statement that compares them.
struct ExpectedRows {
    std::string_view statement;
    Rows rows;
    ExpectedRows(std::string_view compare, const Table& table)
        : statement(compare), rows(table, Rows::Encoding::json) {}
};

// Optional columns that is_stored_engagement() does not compare.
constexpr std::size_t kNotComparedAsText = [] {
    std::size_t count = 0;
    EngagementFields::for_each([&]<typename F>() {
        if (F::is_column && !F::required && !is_compared_as_text<F>) ++count;
    });
    return count;
}();
static_assert(kNotComparedAsText == 1, "besides texts, compare_rows() compares only created_at and extra");

/// True if the columns of the list @engagements.compared_e@, which begin at `first`, equal the engagement.
bool is_stored_engagement(const pqxx::row& row, int first, const Engagement& e) {
    bool equal = true;
    EngagementFields::for_each([&]<typename F>() {
        if constexpr (is_compared_as_text<F>)
            equal = equal && is_stored_as(cell_of(row, first++), e.*F::member);
    });
    return equal;
}

/// A row of a child table: engagement, position, and the columns of `Fields`, all of them texts. Borrows the
/// texts.
template <typename Fields>
using ChildRow = std::tuple<std::string_view, std::int64_t, std::array<Cell, Fields::columns().size()>>;

template <typename Fields>
ChildRow<Fields> child_row(std::string_view engagement, std::size_t position,
                           const typename Fields::Record& record) {
    ChildRow<Fields> row{engagement, static_cast<std::int64_t>(position), {}};
    std::size_t column = 0;
    Fields::for_each([&]<typename F>() {
        static_assert(F::kind == FieldKind::id || F::kind == FieldKind::text);
        std::get<2>(row)[column++] = cell_of(record.*F::member);
    });
    return row;
}
template <typename Fields>
ChildRow<Fields> child_row(const pqxx::row& stored) {
    ChildRow<Fields> row{stored[0].c_str(), stored[1].template as<std::int64_t>(), {}};
    int column = 2;
    for (Cell& cell : std::get<2>(row)) cell = cell_of(stored, column++);
    return row;
}

/// Finds the records that differ from the tables, in one transaction. Borrows the records.
class Comparison {
  public:
    /// Of several records with one id, only the last is compared.
    Comparison(Transaction& tx, const std::vector<FetchedEngagement>& records) : tx_(tx) {
        by_id_.reserve(records.size());
        for (std::size_t index = 0; index < records.size(); ++index) {
            const FetchedEngagement& record = records[index];
            const auto [known, is_new] = by_id_.emplace(*record.engagement.id, records_.size());
            if (is_new) {
                records_.push_back(&record);
                input_indexes_.push_back(index);
                ids_.push_back(record.engagement.id.str());
            } else {
                records_[known->second] = &record;
                input_indexes_[known->second] = index;
            }
        }
    }

    std::vector<RecordComparison> run() {
        if (ids_.empty()) return {};
        compare_rows();
        compare_sites();
        compare_children();
        compare_legs();
        compare_queue_names();
        drop_waiting();
        drop_forgotten();
        read_versions();
        std::vector<RecordComparison> found;
        for (auto& [record, comparison] : found_) {
            comparison.record = input_indexes_[record];
            found.push_back(std::move(comparison));
        }
        return found;
    }

  private:
    using Finding = RecordComparison::Finding;

    const Engagement& engagement(std::size_t record) const { return records_[record]->engagement; }
    const Engagement& engagement(std::string_view id) const { return engagement(by_id_.at(id)); }

    void add(std::string_view id, Finding finding) {
        const std::size_t record = by_id_.at(id);
        const auto [place, is_new] = found_.try_emplace(record, RecordComparison{record, finding, false, ""});
        // A record has one finding, the first one. Only `legs_unknown` gives way to a later one.
        if (!is_new && place->second.finding == Finding::legs_unknown) place->second.finding = finding;
    }
    void add_different(const pqxx::result& rows) {
        for (const auto& row : rows) add(row[0].c_str(), Finding::different);
    }
    std::vector<std::string> found(Finding finding) const {
        std::vector<std::string> ids;
        for (const auto& [record, comparison] : found_) {
            if (comparison.finding == finding) ids.push_back(ids_[record]);
        }
        return ids;
    }

    void compare_rows() {
        // By position: a lookup by name costs more than reading the rest of the row.
        enum Column { kId, kLegsKnown, kIsMissing, kCreatedAt, kExtra, kCompared };
        const auto is_true = [](const pqxx::row& row, Column column) { return *row[column].c_str() == 't'; };
        std::vector<bool> is_stored(records_.size());
        std::vector<std::size_t> of_doubtful_extra;
        const pqxx::result rows = tx_.run(sql::stored_engagements, {array(ids_)});
        for (const auto& row : rows) {
            const std::size_t record = by_id_.at(row[kId].c_str());
            const Engagement& e = engagement(record);
            is_stored[record] = true;
            if (is_true(row, kIsMissing) ||
                !is_stored_as(cell_of(row, kCreatedAt), OptionalInstant(e.created_at)) ||
                !is_stored_engagement(row, kCompared, e))
                add(*e.id, Finding::different);
            if (!is_stored_as_json(cell_of(row, kExtra), e.extra)) of_doubtful_extra.push_back(record);
            if (is_true(row, kLegsKnown)) continue;
            without_legs_.insert(record);
            add(*e.id, Finding::legs_unknown);
        }
        for (std::size_t record = 0; record < records_.size(); ++record) {
            if (!is_stored[record]) add(ids_[record], Finding::missing);
        }
        compare_extra(of_doubtful_extra);
    }
    /// Compares `extra` as jsonb, for records whose text of it differs from the stored text.
    void compare_extra(const std::vector<std::size_t>& of_records) {
        if (of_records.empty()) return;
        std::vector<std::string> ids;
        std::vector<Param> extra;
        for (const std::size_t record : of_records) {
            const Engagement& e = engagement(record);
            ids.push_back(ids_[record]);
            extra.push_back(e.extra ? Param{std::string(*e.extra)} : Param{});
        }
        add_different(tx_.run(sql::compare_extra, {array(ids), array(extra)}));
    }

    void compare_sites() {
        std::map<std::string_view, std::vector<std::string>> by_site;
        for (std::size_t record = 0; record < records_.size(); ++record) {
            const std::string& site = records_[record]->site_id;
            if (!site.empty()) by_site[site].push_back(ids_[record]);
        }
        for (const auto& [site, ids] : by_site) {
            std::unordered_set<std::string_view> listed;
            const pqxx::result rows = tx_.run(sql::listed_before, {array(ids), std::string(site)});
            for (const auto& row : rows) listed.insert(row[0].c_str());
            for (const std::string& id : ids) {
                if (!listed.contains(id)) add(id, Finding::different);
            }
        }
    }

    void compare_children() {
        std::vector<ChildRow<OperatorFields>> operators;
        std::vector<ChildRow<QueueRefRowFields>> queues;
        std::vector<ChildRow<RecordingRowFields>> recordings;
        for (std::size_t record = 0; record < records_.size(); ++record) {
            const Engagement& e = engagement(record);
            const std::string_view id = *e.id;
            for (std::size_t i = 0; i < e.operators.size(); ++i)
                operators.push_back(child_row<OperatorFields>(id, i, e.operators[i]));
            for (std::size_t i = 0; i < e.queues.size(); ++i)
                queues.push_back({id, static_cast<std::int64_t>(i), {cell_of(e.queues[i].id)}});
            for (std::size_t i = 0; i < e.audio_recording_urls.size(); ++i)
                recordings.push_back(
                    {id, static_cast<std::int64_t>(i), {cell_of(e.audio_recording_urls[i])}});
        }
        compare_child<OperatorFields>(sql::stored_engagement_operators, std::move(operators));
        compare_child<QueueRefRowFields>(sql::stored_engagement_queues, std::move(queues));
        compare_child<RecordingRowFields>(sql::stored_audio_recordings, std::move(recordings));
    }
    template <typename Fields>
    void compare_child(std::string_view statement, std::vector<ChildRow<Fields>> expected) {
        const pqxx::result rows = tx_.run(statement, {array(ids_)});  // the cells borrow its texts
        std::vector<ChildRow<Fields>> stored, different;
        for (const auto& row : rows) stored.push_back(child_row<Fields>(row));
        std::sort(stored.begin(), stored.end());
        std::sort(expected.begin(), expected.end());
        std::set_symmetric_difference(stored.begin(), stored.end(), expected.begin(), expected.end(),
                                      std::back_inserter(different));
        for (const auto& row : different) add(std::get<0>(row), Finding::different);
    }

    /// Compares the legs of records that have them. Skips engagements whose legs were never fetched.
    void compare_legs() {
        ExpectedRows legs(sql::compare_legs, LegTable::table());
        ExpectedRows leg_queues(sql::compare_leg_queues, LegQueueTable::table());
        std::vector<const Engagement*> with_legs;
        for (std::size_t record = 0; record < records_.size(); ++record) {
            if (engagement(record).legs && !without_legs_.contains(record))
                with_legs.push_back(&engagement(record));
        }
        std::vector<std::string> ids;
        for (const std::string_view id : find_doubtful_legs(tx_, with_legs)) {
            add_legs(legs.rows, leg_queues.rows, engagement(id));
            ids.emplace_back(id);
        }
        if (ids.empty()) return;
        for (ExpectedRows* table : {&legs, &leg_queues})
            add_different(tx_.run(table->statement, {std::move(table->rows).finished(), array(ids)}));
    }

    /// If a queue's name differs, reports the newest record that names the queue.
    void compare_queue_names() {
        QueueNames names;
        for (const FetchedEngagement* record : records_) names.add(*record);
        Rows rows = names.rows();
        if (rows.empty()) return;
        for (const auto& row : tx_.run(sql::compare_queue_names, {std::move(rows).finished()}))
            add(newest_with(row[0].c_str()), Finding::different);
    }
    std::string_view newest_with(std::string_view queue) const {
        std::string_view newest;
        Instant created_at = Instant::min();
        for (const FetchedEngagement* record : records_) {
            const Engagement& e = record->engagement;
            if (e.created_at < created_at || !names_queue(e, queue)) continue;
            newest = *e.id;
            created_at = e.created_at;
        }
        return newest;
    }
    static bool names_queue(const Engagement& e, std::string_view queue) {
        const auto is_it = [&](const QueueRef& ref) { return ref.id && ref.name && *ref.id == queue; };
        if (std::any_of(e.queues.begin(), e.queues.end(), is_it)) return true;
        return e.legs && std::any_of(e.legs->begin(), e.legs->end(), [&](const Leg& leg) {
                   return std::any_of(leg.request_queues.begin(), leg.request_queues.end(), is_it);
               });
    }

    /// Drops `legs_unknown` where a work item waits to fetch the legs.
    void drop_waiting() {
        const std::vector<std::string> ids = found(Finding::legs_unknown);
        if (ids.empty()) return;
        for (const auto& row : tx_.run(sql::waiting_details, {array(ids)}))
            found_.erase(by_id_.at(row[0].c_str()));
    }

    void drop_forgotten() {
        TombstoneLookup tombstones;
        std::vector<std::size_t> missing;
        for (const auto& [record, comparison] : found_) {
            if (comparison.finding != Finding::missing) continue;
            tombstones.add(engagement(record));
            missing.push_back(record);
        }
        if (missing.empty()) return;
        for (const std::size_t number : tombstones.forgotten(tx_)) found_.erase(missing[number]);
    }

    void read_versions() {
        std::vector<std::string> ids;
        for (const auto& [record, comparison] : found_) ids.push_back(ids_[record]);
        if (ids.empty()) return;
        for (const auto& row : tx_.run(sql::row_versions, {array(ids)})) {
            const std::size_t record = by_id_.at(row["id"].c_str());
            RecordComparison& comparison = found_.at(record);
            comparison.version = row["version"].c_str();
            comparison.newer = *instant(row, "read_at") > records_[record]->fetched_at;
        }
    }

    Transaction& tx_;
    std::vector<const FetchedEngagement*> records_;
    std::vector<std::size_t> input_indexes_;  // indexes of records_ in the constructor's argument
    std::vector<std::string> ids_;
    std::unordered_map<std::string_view, std::size_t> by_id_;
    std::map<std::size_t, RecordComparison> found_;
    std::unordered_set<std::size_t> without_legs_;  // legs were never fetched
};

}  // namespace

std::vector<RecordComparison> compare_records(Transaction& tx,
                                              const std::vector<FetchedEngagement>& records) {
    return Comparison(tx, records).run();
}

}  // namespace glia::postgres
