// Records, and the checkpoints of windows, as rows of their tables: one description of each row, two
// encodings, COPY's binary one for what is new and JSON for the statements that merge.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia::postgres {

/// A table by its name and the columns that are written, in the order of the cells.
struct Table {
    std::string_view name;
    std::vector<std::string_view> columns;
};

extern const Table kEngagements, kSites, kOperators, kQueueRefs, kRecordings, kLegs, kLegQueues, kQueues,
    kDetailQueue, kChatMessages, kWindows;

/// Rows of one table, encoded as they are added. The cells of a row come in the order of the table's columns,
/// each by the member that says its column's type: COPY's binary encoding relies on it.
class Rows {
  public:
    enum class Encoding { copy, json };

    Rows(const Table& table, Encoding encoding);

    bool empty() const { return rows_ == 0; }
    const Table& table() const { return table_; }
    /// Encoded as JSON: an array for json_populate_recordset.
    std::string finished() &&;
    /// Encoded for COPY: what goes into one COPY each, in the order of the rows. PostgreSQL (15 and 17 alike)
    /// buffers up to 1,000 rows of a COPY, 64 KiB if they are text, and looks up each buffered row by walking
    /// past the others: what a COPY costs grows with the square of what it buffers.
    std::vector<std::string> slices() &&;

    void begin_row();
    void text(std::string_view value);  ///< text
    void text(const std::string& value) { text(std::string_view(value)); }
    void text(const OptionalText& value) { value ? text(std::string_view(*value)) : null(); }
    void text(const RecordText& value) { value ? text(*value) : null(); }
    void json(std::string_view value);  ///< jsonb
    void json(const OptionalText& value) { value ? json(std::string_view(*value)) : null(); }
    void json(const RecordText& value) { value ? json(*value) : null(); }
    void time(const OptionalInstant& value);             ///< timestamptz
    void number(const OptionalSeconds& value);           ///< bigint
    void position(std::size_t value);                    ///< integer
    void flag(const OptionalFlag& value);                ///< boolean
    void hash(const std::optional<ContentHash>& value);  ///< bytea

  private:
    void null();
    void name_member();
    void begin_slice();
    void end_slice();
    template <typename Integer>
    void binary(Integer value);

    const Table& table_;
    bool copy_;
    std::string data_;                 // of COPY, the slice that is being filled
    std::vector<std::string> slices_;  // full ones
    std::size_t rows_ = 0;
    std::size_t column_ = 0;
    bool first_member_ = true;
};

/// What the engagements row holds besides the API's own fields.
struct RowMarks {
    Instant fetched_at{};
    OptionalInstant legs_fetched_at;
    ContentHash core_hash{};
    std::optional<ContentHash> list_hash;
    std::optional<ContentHash> legs_hash;
    std::string_view first_site_id;  ///< of a new row; empty: not from a listing
};

void add_engagement(Rows& rows, const Engagement& engagement, const RowMarks& marks);
void add_site(Rows& rows, const Engagement& engagement, const std::string& site_id);
/// Of an engagement that is new, so that it cannot wait already.
void add_detail_wish(Rows& rows, const Engagement& engagement, Instant wanted_after);
void add_operators(Rows& rows, const Engagement& engagement);
void add_queue_refs(Rows& rows, const Engagement& engagement);
void add_recordings(Rows& rows, const Engagement& engagement);
/// Of two legs with one id the last counts.
void add_legs(Rows& legs, Rows& leg_queues, const Engagement& engagement);

void add_messages(Rows& rows, const std::string& engagement_id, const std::vector<ChatMessage>& messages);

/// The names of queues in a batch, each as the newest engagement has it.
class QueueNames {
  public:
    void add(const FetchedEngagement& fetched);
    /// As JSON.
    Rows rows() const;

  private:
    struct Name {
        RecordText id;
        RecordText name;
        Instant as_of;
        Instant fetched_at;
    };
    void add(const QueueRef& queue, Instant as_of, Instant fetched_at);
    std::vector<Name> names_;  // sorted by id; a batch knows a few dozen queues
};

}  // namespace glia::postgres
