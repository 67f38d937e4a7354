#include "sinks/merge.hpp"

#include <algorithm>

#include "sinks/durations.hpp"
#include "sinks/invariant.hpp"

namespace glia {
namespace {

// Flags in a list hash's version. Doubted: the list item differed from the stored content, which came from a
// detail, and it is unknown which of the two is newer. Contradicted: a detail that was requested after the
// doubted list item confirmed the stored content.
constexpr std::uint8_t kDoubted = 0x80;
constexpr std::uint8_t kContradicted = 0x40;

bool is_marked(const RecordHash& hash, std::uint8_t flag) {
    return (hash.version & flag) != 0;
}
RecordHash marked(RecordHash hash, std::uint8_t flags) {
    hash.version |= flags;
    return hash;
}
/// True if `list_hash`, whatever its flags, is the hash of this content.
bool is_hash_of(const std::optional<RecordHash>& list_hash, const RecordHash& content) {
    constexpr std::uint8_t kAll = kDoubted | kContradicted;
    return list_hash && marked(*list_hash, kAll) == marked(content, kAll);
}

bool is_older(const IncomingState& incoming, Instant stored) {
    return incoming.fetched_at < stored && !is_in_future(stored, incoming);
}

void plan_legs(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    if (!incoming.legs_hash) {
        plan.write_legs_fetched_at = incoming.source == RecordSource::detail && !stored.legs_fetched_at;
        return;
    }
    if (stored.legs_fetched_at && stored.legs_hash == incoming.legs_hash) return;
    if (stored.legs_fetched_at && is_older(incoming, *stored.legs_fetched_at)) {
        plan.stale = true;
        return;
    }
    plan.write_legs = true;
}

void set_list_hash(MergePlan& plan, const std::optional<RecordHash>& hash) {
    plan.list_hash = hash;
    plan.write_list_hash = true;
}

/// Called if the listing still shows the content that differed from the stored detail. Only a list item
/// requested after the contradicting detail is new evidence. The engagement may have changed and changed back
/// between the two requests, so one more detail is queued, which decides.
void resolve_doubt(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    const bool later = incoming.fetched_at > stored.fetched_at || is_in_future(stored.fetched_at, incoming);
    if (!is_marked(*stored.list_hash, kContradicted) || !later) return;
    set_list_hash(plan, incoming.core_hash);
    plan.enqueue_detail = !incoming.legs_hash;
    plan.write_core = incoming.legs_hash.has_value();
}

/// Called if the response shows the stored content.
void plan_same_core(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    if (!stored.list_hash || is_older(incoming, stored.fetched_at)) return;
    if (incoming.source == RecordSource::list) {
        // List and detail agree now. If the listing shows the other content again, that is a change.
        if (!is_hash_of(stored.list_hash, incoming.core_hash)) set_list_hash(plan, incoming.core_hash);
        return;
    }
    const bool has_open_doubt =
        is_marked(*stored.list_hash, kDoubted) && !is_marked(*stored.list_hash, kContradicted);
    if (!has_open_doubt || is_hash_of(stored.list_hash, incoming.core_hash)) return;
    set_list_hash(plan, marked(*stored.list_hash, kContradicted));
    // If the detail is late, a list item that was requested after it may have been merged before it.
    plan.enqueue_detail = incoming.late;
}

void plan_core(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    const bool from_list = incoming.source == RecordSource::list;
    plan.list_hash = stored.list_hash;
    if (incoming.core_hash == stored.core_hash) {
        plan_same_core(stored, incoming, plan);
        return;
    }
    if (from_list && is_hash_of(stored.list_hash, incoming.core_hash)) {
        resolve_doubt(stored, incoming, plan);
        return;
    }
    if (is_older(incoming, stored.fetched_at)) {
        plan.stale = true;
        return;
    }
    if (from_list) {
        plan.enqueue_detail = !incoming.legs_hash;
        // Without `list_hash`, an item without legs does not overwrite a detail: the queued detail decides.
        plan.write_core = stored.list_hash.has_value() || !stored.legs_fetched_at || incoming.legs_hash;
        set_list_hash(plan, plan.write_core ? incoming.core_hash : marked(incoming.core_hash, kDoubted));
        return;
    }
    plan.write_core = true;
    if (stored.list_hash && !is_hash_of(stored.list_hash, incoming.core_hash))
        set_list_hash(plan, std::nullopt);
}

}  // namespace

void check_stored_state(const StoredState& stored) {
    check_invariant(!stored.legs_hash || stored.legs_fetched_at, "legs with a hash have a fetch time");
}

bool is_in_future(Instant stored, const IncomingState& incoming) {
    return stored - kClockTolerance > incoming.now;
}

Instant fetched_at_after(const StoredState& stored, const IncomingState& incoming) {
    return is_in_future(stored.fetched_at, incoming) ? incoming.fetched_at
                                                     : std::max(stored.fetched_at, incoming.fetched_at);
}

bool is_late(RecordSource source, std::chrono::steady_clock::duration age) {
    constexpr std::chrono::seconds kLateListItem{1};
    constexpr std::chrono::seconds kLateDetail{3};
    return age > (source == RecordSource::list ? kLateListItem : kLateDetail);
}

void set_age(IncomingState& incoming, std::chrono::steady_clock::duration age) {
    incoming.late = is_late(incoming.source, age);
    if (age.count() >= 0)
        incoming.now = incoming.fetched_at + std::chrono::duration_cast<std::chrono::microseconds>(age);
}

Instant detail_wanted_after(const IncomingState& incoming) {
    const std::chrono::microseconds later{incoming.source == RecordSource::detail ? 1 : 0};
    return incoming.fetched_at + later;
}

MergePlan plan_merge(const std::optional<StoredState>& stored, const IncomingState& incoming) {
    MergePlan plan;
    if (!stored) {
        plan.insert = true;
        plan.write_core = true;
        plan.write_legs = incoming.legs_hash.has_value();
        if (incoming.source == RecordSource::list) plan.list_hash = incoming.core_hash;
        plan.enqueue_detail = incoming.source == RecordSource::list && !incoming.legs_hash;
        return plan;
    }
    check_stored_state(*stored);
    plan_core(*stored, incoming, plan);
    plan_legs(*stored, incoming, plan);
    const bool overwrites = plan.write_core || (plan.write_legs && stored->legs_fetched_at);
    if (incoming.late && overwrites) plan.enqueue_detail = true;
    check_invariant(!plan.write_legs || incoming.legs_hash, "legs are written with their hash");
    return plan;
}

}  // namespace glia
