// What to write of a response, given what is stored: the pure heart of "nothing twice, nothing stale"
// (DESIGN.md §3.2).
#pragma once

#include <optional>

#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Where a record came from. A list item usually lacks legs; GET /engagements/{id} has them.
enum class RecordSource { list, detail };

/// What the tables hold of one engagement, as far as the decision needs it.
struct StoredState {
    ContentHash core_hash{};  ///< of the stored row, whichever response wrote it
    std::optional<ContentHash>
        list_hash;  ///< of the list item last taken over; none: to be confirmed by a detail
    std::optional<ContentHash> legs_hash;
    Instant fetched_at{};
    OptionalInstant legs_fetched_at;
};

/// The same of a response at hand. `fetched_at` is when it was asked for, by the server's clock.
struct IncomingState {
    RecordSource source = RecordSource::list;
    ContentHash core_hash{};
    std::optional<ContentHash> legs_hash;  ///< none: the response carried no legs
    Instant fetched_at{};
};

/// The decision.
struct MergePlan {
    bool insert = false;           ///< the engagement is new
    bool write_core = false;       ///< scalars, operators, queues, recordings, extra
    bool write_legs = false;       ///< legs and their queues, as a set
    bool mark_legs = false;        ///< legs are as stored, or none came: note only that they were fetched
    bool write_list_hash = false;  ///< `list_hash` below differs from what is stored
    std::optional<ContentHash> list_hash;
    bool want_detail = false;  ///< queue GET /engagements/{id} (details: auto)
    bool stale = false;        ///< something in it is older than what is stored, and was left out

    /// True if an existing row has to be locked and written.
    bool updates() const { return !insert && (write_core || write_legs || mark_legs || write_list_hash); }
};

/// Decides without I/O or clock. `stored` is none for an engagement never seen.
///
/// List and detail may show the same engagement differently for ever (a field that only one of them has), or
/// because it changed between the two requests. The two cannot be told apart at once, so after a detail that
/// disagrees with the list item, `list_hash` is forgotten: the next list item then asks for one more detail,
/// which either brings the change or confirms the difference, and after that nothing is written any more.
MergePlan plan_merge(const std::optional<StoredState>& stored, const IncomingState& incoming);

}  // namespace glia
