// What to write of a response, given what is stored: the pure heart of "nothing twice, nothing stale"
// (DESIGN.md §3.2).
#pragma once

#include <chrono>
#include <optional>

#include "sinks/content_hash.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Where a record came from. A list item usually lacks legs; GET /engagements/{id} has them.
enum class RecordSource { list, detail };

/// What the tables hold of one engagement, as far as the decision needs it.
struct StoredState {
    RecordHash core_hash{};  ///< of the stored row, whichever response wrote it
    std::optional<RecordHash>
        list_hash;  ///< of the list item last taken over; none: to be confirmed by a detail
    std::optional<RecordHash> legs_hash;
    Instant fetched_at{};
    OptionalInstant legs_fetched_at;
};

/// Legs that are known by a hash have a time of reading, or an older response could overwrite them. Throws
/// InvariantBroken.
void check_stored_state(const StoredState& stored);

/// What is compared of a response at hand. `fetched_at` is when it was asked for, by the server's clock.
struct IncomingState {
    RecordSource source = RecordSource::list;
    RecordHash core_hash{};
    std::optional<RecordHash> legs_hash;  ///< none: the response carried no legs
    Instant fetched_at{};
    /// See is_late().
    bool late = false;
    /// The server's time now, by the clock that dates `fetched_at`; its maximum: not known.
    Instant now = Instant::max();
};

/// Sets what depends on the time since the response was asked for: `late` and `now`. A negative `age` means
/// that the time is not known.
void set_age(IncomingState& incoming, std::chrono::steady_clock::duration age);

/// True if `stored`, a time of reading in the table, is later than any response by now can be: a clock that
/// ran ahead wrote it (the API server's clock was wrong and was corrected). Such a time orders nothing
/// (DESIGN.md §3.10).
bool is_in_future(Instant stored, const IncomingState& incoming);

/// The row's `fetched_at` after `incoming` is merged into it.
Instant fetched_at_after(const StoredState& stored, const IncomingState& incoming);

/// True if a response was asked for so long before it is written that another reading may have found the
/// stored state confirmed in between, which leaves no trace in the row: the engagement changed and changed
/// back. Details gather for two seconds before they are written, and count as late after three.
bool is_late(RecordSource source, std::chrono::steady_clock::duration age);

/// The time that a detail must have been asked for after, to settle what `incoming` asks for. A late detail
/// does not settle its own doubt.
Instant detail_wanted_after(const IncomingState& incoming);

/// The decision.
struct MergePlan {
    bool insert = false;           ///< the engagement is new
    bool write_core = false;       ///< scalars, operators, queues, recordings, extra
    bool write_legs = false;       ///< legs and their queues, as a set
    bool mark_legs = false;        ///< legs are as stored, or none came: note only that they were fetched
    bool write_list_hash = false;  ///< `list_hash` below differs from what is stored
    std::optional<RecordHash> list_hash;
    bool rewrite_hashes = false;  ///< nothing changed but the form of the stored hashes; see legacy_hash.hpp
    bool want_detail = false;     ///< queue GET /engagements/{id} (details: auto)
    bool stale = false;           ///< something in it is older than what is stored, and was left out

    /// True if an existing row has to be locked and written.
    bool updates() const {
        return !insert && (write_core || write_legs || mark_legs || write_list_hash || rewrite_hashes);
    }
};

/// Decides without I/O or clock. `stored` is none for an engagement never seen.
///
/// List and detail may show the same engagement differently for ever (a field that only one of them has), or
/// because it changed between the two requests. The two cannot be told apart at once, so after a detail that
/// disagrees with the list item, `list_hash` is forgotten: the next list item then asks for one more detail,
/// which either brings the change or confirms the difference. As the engagement may have changed and changed
/// back meanwhile, a later list item that still shows the same asks once more, and after that nothing is
/// written any more.
///
/// A late response that overwrites something asks for a detail as well: of the stored state and the late one,
/// nobody can tell which is the newer (A is read, B is asked for, A is read again and found unchanged, B
/// arrives). The detail decides.
///
/// Throws InvariantBroken for a stored hash of legs without the time of their reading: rows of the tables may
/// be so by hand, and plan_engagement() reads those as legs that are not known.
MergePlan plan_merge(const std::optional<StoredState>& stored, const IncomingState& incoming);

}  // namespace glia
