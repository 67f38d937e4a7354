// The rows of operators, sites and queues, from their lists of fields.
#pragma once

#include "sinks/fields/directory_fields.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {

/// The columns of a row that describe the listing which last changed it.
struct DirectoryRow {
    OptionalInstant fetched_at;  ///< none: from the configuration
    std::optional<RecordHash> content_hash;
};
using DirectoryRowFields = FieldList<OwnColumn<"fetched_at", &DirectoryRow::fetched_at, FieldKind::time>,
                                     OwnColumn<"content_hash", &DirectoryRow::content_hash, FieldKind::hash>>;

/// The same for a queue. Engagements change its row too.
struct ListedQueueRow {
    OptionalInstant listed_at;
    std::optional<RecordHash> content_hash;
};
using ListedQueueRowFields =
    FieldList<OwnColumn<"listed_at", &ListedQueueRow::listed_at, FieldKind::time>,
              OwnColumn<"content_hash", &ListedQueueRow::content_hash, FieldKind::hash>>;

using OperatorEntryTable = TableOf<"operators", OperatorEntryFields, DirectoryRowFields>;
using SiteEntryTable = TableOf<"sites", SiteEntryFields, DirectoryRowFields>;
using QueueEntryTable = TableOf<"queues", QueueEntryFields, ListedQueueRowFields>;

}  // namespace glia::postgres
