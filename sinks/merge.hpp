// Decides what to write of a response, given the stored state (DESIGN.md §3.2: "nothing twice, nothing
// stale"). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Where a record came from. A list item usually lacks legs; GET /engagements/{id} has them.
enum class RecordSource { list, detail };

/// The name in the column `source` of rejected_records.
inline const char* name_of(RecordSource source) {
    return source == RecordSource::list ? "list" : "detail";
}

/// The source with that name; none for records of listings and of statistics.
inline std::optional<RecordSource> record_source_named(std::string_view name) {
    for (const RecordSource source : {RecordSource::list, RecordSource::detail}) {
        if (name == name_of(source)) return source;
    }
    return std::nullopt;
}

/// The stored state of one engagement that the decision needs.
struct StoredState {
    RecordHash core_hash{};  ///< of the stored row, whichever response wrote it
    /// Of the last accepted list item. None: if the next list item differs from the row, a detail decides.
    std::optional<RecordHash> list_hash;
    std::optional<RecordHash> legs_hash;
    Instant fetched_at{};
    OptionalInstant legs_fetched_at;
};

/// Checks that legs with a hash have `legs_fetched_at`: otherwise an older response could overwrite them.
/// Throws InvariantBroken.
void check_stored_state(const StoredState& stored);

/// The state of a response that the decision needs. `fetched_at`: when it was requested, by the API
/// server's clock.
struct IncomingState {
    RecordSource source = RecordSource::list;
    RecordHash core_hash{};
    std::optional<RecordHash> legs_hash;  ///< none: the response carried no legs
    Instant fetched_at{};
    /// See is_late().
    bool late = false;
    /// The current time by the clock of `fetched_at`; the maximum if unknown.
    Instant now = Instant::max();
};

/// Sets `late` and `now` from the time since the request. A negative `age` means that it is unknown.
void set_age(IncomingState& incoming, std::chrono::steady_clock::duration age);

/// True if `stored`, a stored `fetched_at`, is in the future: it came from an API server's clock that was
/// ahead and has been corrected since. Such a time must not order responses (DESIGN.md §3.10).
bool is_in_future(Instant stored, const IncomingState& incoming);

/// The row's `fetched_at` after `incoming` is merged into it.
Instant fetched_at_after(const StoredState& stored, const IncomingState& incoming);

/// True if the response is so old that another response may have confirmed the stored state after this one
/// was requested. A confirmation writes no row: the engagement may have changed and changed back unnoticed.
/// A list item counts as late after one second, a detail after three, because details are gathered for two
/// seconds before they are written.
bool is_late(RecordSource source, std::chrono::steady_clock::duration age);

/// A detail that `incoming` queues must be requested at this time or later. If `incoming` is a detail, the
/// time is later than its own request, so that a late detail does not resolve its own doubt.
Instant detail_wanted_after(const IncomingState& incoming);

/// What to write of a response.
struct MergePlan {
    bool insert = false;                 ///< the engagement is new
    bool write_core = false;             ///< scalars, operators, queues, recordings, extra
    bool write_legs = false;             ///< legs and their queues, as a set
    bool write_legs_fetched_at = false;  ///< only `legs_fetched_at`: the detail has no legs
    bool write_list_hash = false;        ///< `list_hash` below differs from the stored one
    std::optional<RecordHash> list_hash;
    bool rewrite_hashes = false;  ///< stored hashes change to the current format; see legacy_hash.hpp
    bool enqueue_detail = false;  ///< queue GET /engagements/{id} (details: auto)
    bool stale = false;  ///< a part of the response is older than the stored state and is not written

    /// True if an existing row has to be locked and written.
    bool updates() const {
        return !insert &&
               (write_core || write_legs || write_legs_fetched_at || write_list_hash || rewrite_hashes);
    }
};

/// Decides without I/O or clock. `stored` is none for an engagement never seen.
///
/// List and detail may differ permanently (a field that only one of them has), or because the engagement
/// changed between the two requests. These cases cannot be distinguished at once. So a detail that disagrees
/// with the list item clears `list_hash`, and the next list item queues one more detail, which either brings
/// the change or confirms the difference. Because the engagement may have changed and changed back meanwhile,
/// a list item requested after that detail, with the same content, queues one last detail. After that,
/// nothing more is written until the list item has other content.
///
/// A late response that overwrites something also queues a detail, because it is unknown whether the stored
/// state or the late response is newer (A is read, B is requested, A is read again and found unchanged, B
/// arrives). The detail decides.
///
/// Throws InvariantBroken for a stored hash of legs without `legs_fetched_at`. Only rows changed by hand have
/// such a hash, and plan_engagement() treats their legs as unknown.
MergePlan plan_merge(const std::optional<StoredState>& stored, const IncomingState& incoming);

}  // namespace glia
