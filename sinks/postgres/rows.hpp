// Records as rows of the data tables: one encoding for COPY and for the merge statements.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/content_hash.hpp"

namespace glia::postgres {

/// A cell in PostgreSQL's text form; none is NULL.
using Cell = std::optional<std::string>;

/// A data table by its name and the columns that are written, in the order of the cells.
struct Table {
    std::string_view name;
    std::vector<std::string_view> columns;
    int json_column = -1;  ///< the column that holds JSON, if any
};

extern const Table kEngagements, kSites, kOperators, kQueueRefs, kRecordings, kLegs, kLegQueues, kQueues;

/// Rows of one table, ready to be written.
struct Rows {
    const Table* table;
    std::vector<std::vector<Cell>> cells;

    /// The rows as a JSON array for json_populate_recordset.
    std::string to_json() const;
};

/// What the engagements row holds besides the API's own fields.
struct RowMarks {
    Instant fetched_at{};
    OptionalInstant legs_fetched_at;
    ContentHash core_hash{};
    std::optional<ContentHash> list_hash;
    std::optional<ContentHash> legs_hash;
};

void add_engagement(Rows& rows, const Engagement& engagement, const RowMarks& marks);
void add_operators(Rows& rows, const Engagement& engagement);
void add_queue_refs(Rows& rows, const Engagement& engagement);
void add_recordings(Rows& rows, const Engagement& engagement);
/// Of two legs with one id the last counts.
void add_legs(Rows& legs, Rows& leg_queues, const Engagement& engagement);

/// The names of queues in a batch, each as the newest engagement has it.
class QueueNames {
  public:
    void add(const FetchedEngagement& fetched);
    Rows rows() const;

  private:
    struct Name {
        std::string id;
        OptionalText name;
        Instant as_of;
        Instant fetched_at;
    };
    void add(const QueueRef& queue, Instant as_of, Instant fetched_at);
    std::vector<Name> names_;  // sorted by id; a batch knows a few dozen queues
};

}  // namespace glia::postgres
