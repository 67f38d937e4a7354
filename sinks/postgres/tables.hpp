// The rows of the data tables. Columns and cells derive from the same list of fields, so that they always
// match. Columns of documented members have the names of the API's documentation (DESIGN.md §3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sinks/checkpoint.hpp"
#include "sinks/fields/engagement_fields.hpp"
#include "sinks/fields/message_fields.hpp"
#include "sinks/postgres/rows.hpp"

namespace glia::postgres {

// Values of a row that are not members of the record. They borrow their texts while the row is added.

/// The key of a row in a child table.
struct ChildKey {
    std::string_view engagement_id;
    std::size_t position = 0;
};
using ChildKeyFields = FieldList<OwnColumn<"engagement_id", &ChildKey::engagement_id, FieldKind::id>,
                                 OwnColumn<"position", &ChildKey::position, FieldKind::position>>;

/// The columns of an engagement's row that describe its responses.
struct RowMetadata {
    OptionalInstant fetched_at;
    OptionalInstant legs_fetched_at;
    std::optional<RecordHash> core_hash;
    std::optional<RecordHash> list_hash;
    std::optional<RecordHash> legs_hash;
    RecordText first_site_id;           ///< for a new row; none if not from a listing
    OptionalInstant first_complete_at;  ///< for a new row; none if it is not complete
};
using RowMetadataFields =
    FieldList<OwnColumn<"fetched_at", &RowMetadata::fetched_at, FieldKind::time>,
              OwnColumn<"legs_fetched_at", &RowMetadata::legs_fetched_at, FieldKind::time>,
              OwnColumn<"core_hash", &RowMetadata::core_hash, FieldKind::hash>,
              OwnColumn<"list_hash", &RowMetadata::list_hash, FieldKind::hash>,
              OwnColumn<"legs_hash", &RowMetadata::legs_hash, FieldKind::hash>,
              OwnColumn<"first_site_id", &RowMetadata::first_site_id, FieldKind::id>,
              OwnColumn<"first_complete_at", &RowMetadata::first_complete_at, FieldKind::time>>;

struct SiteRow {
    std::string_view engagement_id;
    std::string_view site_id;
};
using SiteRowFields = FieldList<OwnColumn<"engagement_id", &SiteRow::engagement_id, FieldKind::id>,
                                OwnColumn<"site_id", &SiteRow::site_id, FieldKind::id>>;

struct QueueRefRow {
    RecordText queue_id;
};
using QueueRefRowFields = FieldList<OwnColumn<"queue_id", &QueueRefRow::queue_id, FieldKind::id>>;

struct RecordingRow {
    RecordText url;
};
using RecordingRowFields = FieldList<OwnColumn<"url", &RecordingRow::url, FieldKind::text>>;

struct LegKey {
    std::string_view leg_id;
};
using LegKeyFields = FieldList<OwnColumn<"leg_id", &LegKey::leg_id, FieldKind::id>>;

struct DetailRow {
    std::string_view engagement_id;
    OptionalInstant created_at;
    OptionalInstant wanted_after;
};
using DetailRowFields = FieldList<OwnColumn<"engagement_id", &DetailRow::engagement_id, FieldKind::id>,
                                  OwnColumn<"created_at", &DetailRow::created_at, FieldKind::time>,
                                  OwnColumn<"wanted_after", &DetailRow::wanted_after, FieldKind::time>>;

struct QueueRow {
    RecordText id;
    RecordText name;
    OptionalInstant name_as_of;
    OptionalInstant name_fetched_at;
};
using QueueRowFields = FieldList<OwnColumn<"id", &QueueRow::id, FieldKind::id>,
                                 OwnColumn<"name", &QueueRow::name, FieldKind::text>,
                                 OwnColumn<"name_as_of", &QueueRow::name_as_of, FieldKind::time>,
                                 OwnColumn<"name_fetched_at", &QueueRow::name_fetched_at, FieldKind::time>>;

/// The checkpoint of a backfill's window.
struct WindowRow {
    std::int64_t backfill_id = 0;
    std::string_view site_id;
    OptionalInstant window_from;
    std::int64_t lease_epoch = 0;
    OptionalInstant pass_started_at;
    OptionalText pass_next_page;
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;
    std::int64_t requests = 0;
    OptionalFlag done;
};
using WindowRowFields = FieldList<OwnColumn<"backfill_id", &WindowRow::backfill_id, FieldKind::number>,
                                  OwnColumn<"site_id", &WindowRow::site_id, FieldKind::id>,
                                  OwnColumn<"window_from", &WindowRow::window_from, FieldKind::time>,
                                  OwnColumn<"lease_epoch", &WindowRow::lease_epoch, FieldKind::number>,
                                  OwnColumn<"pass_started_at", &WindowRow::pass_started_at, FieldKind::time>,
                                  OwnColumn<"pass_next_page", &WindowRow::pass_next_page, FieldKind::text>,
                                  OwnColumn<"pages", &WindowRow::pages, FieldKind::number>,
                                  OwnColumn<"engagements", &WindowRow::engagements, FieldKind::number>,
                                  OwnColumn<"rejected", &WindowRow::rejected, FieldKind::number>,
                                  OwnColumn<"requests", &WindowRow::requests, FieldKind::number>,
                                  OwnColumn<"done", &WindowRow::done, FieldKind::flag>>;

/// True for columns of engagements that can be compared as text in the program. The id is the key; times and
/// JSON need a comparison of their own, because equal values may have different texts.
template <typename F>
inline constexpr bool is_compared_as_text =
    F::is_column && !F::required && F::kind != FieldKind::time && F::kind != FieldKind::json;

/// A table whose rows consist of the values of these lists' records, one after the other.
template <Name kTable, typename... Lists>
struct TableOf {
    static constexpr std::string_view name = kTable.view();

    static const Table& table() {
        static constexpr Table kDescription{name, kColumns};
        return kDescription;
    }
    static void add(Rows& rows, const typename Lists::Record&... records) {
        rows.begin_row();
        (add_cells<Lists>(rows, records), ...);
    }

  private:
    static constexpr auto kColumns = [] {
        std::array<std::string_view, (Lists::columns().size() + ...)> all;
        std::size_t count = 0;
        const auto append = [&](const auto& columns) {
            for (const std::string_view column : columns) all[count++] = column;
        };
        (append(Lists::columns()), ...);
        return all;
    }();
    template <typename List>
    static void add_cells(Rows& rows, const typename List::Record& record) {
        List::for_each([&]<typename F>() {
            if constexpr (F::is_column) rows.cell<F::kind>(record.*F::member);
        });
    }
};

using EngagementTable = TableOf<"engagements", EngagementFields, RowMetadataFields>;
using SiteTable = TableOf<"engagement_sites", SiteRowFields>;
using OperatorTable = TableOf<"engagement_operators", ChildKeyFields, OperatorFields>;
using QueueRefTable = TableOf<"engagement_queues", ChildKeyFields, QueueRefRowFields>;
using RecordingTable = TableOf<"audio_recordings", ChildKeyFields, RecordingRowFields>;
/// Includes the queue of the leg, so that reports by queue need no join.
using LegTable = TableOf<"legs", ChildKeyFields, LegFields, QueueRefRowFields>;
using LegQueueTable = TableOf<"leg_queues", ChildKeyFields, LegKeyFields, QueueRefRowFields>;
using MessageTable = TableOf<"chat_messages", ChildKeyFields, MessageFields>;
using DetailTable =
    TableOf<"work_items", DetailRowFields>;  // the defaults of the other columns are right for a detail
using QueueTable = TableOf<"queues", QueueRowFields>;
using WindowTable = TableOf<"backfill_windows", WindowRowFields>;

// Rows of an engagement's lists.

void add_operators(Rows& rows, const Engagement& engagement);
void add_queue_refs(Rows& rows, const Engagement& engagement);
void add_recordings(Rows& rows, const Engagement& engagement);
/// Adds the rows of an engagement's legs. If two legs have one id, the last one is used.
void add_legs(Rows& legs, Rows& leg_queues, const Engagement& engagement);
void add_messages(Rows& rows, const std::string& engagement_id, const std::vector<ChatMessage>& messages);

/// The names of queues in a batch, each from the newest engagement with that queue.
class QueueNames {
  public:
    void add(const FetchedEngagement& fetched);
    /// Returns them encoded as JSON.
    Rows rows() const;

  private:
    void add(const QueueRef& queue, Instant as_of, Instant fetched_at);
    std::vector<QueueRow> names_;  // sorted by id; a batch has a few dozen queues
};

}  // namespace glia::postgres
