#include "sinks/merge.hpp"

#include <algorithm>

#include "sinks/durations.hpp"
#include "sinks/invariant.hpp"

namespace glia {
namespace {

// A flag in a list hash's version: the list item differed from the stored content, which came from a detail,
// and it is unknown which of the two is newer.
constexpr std::uint8_t kDoubted = 0x80;
// A list item requested this long after the doubted one is new evidence.
constexpr std::chrono::seconds kDoubtSettlesAfter{5};

bool is_doubted(const RecordHash& hash) {
    return (hash.version & kDoubted) != 0;
}
RecordHash doubted(RecordHash hash) {
    hash.version |= kDoubted;
    return hash;
}
/// True if `list_hash`, doubted or not, is the hash of this content.
bool tells_of(const std::optional<RecordHash>& list_hash, const RecordHash& content) {
    return list_hash && doubted(*list_hash) == doubted(content);
}

bool is_older(const IncomingState& incoming, Instant stored) {
    return incoming.fetched_at < stored && !is_in_future(stored, incoming);
}

void plan_legs(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    if (!incoming.legs_hash) {
        plan.mark_legs = incoming.source == RecordSource::detail && !stored.legs_fetched_at;
        return;
    }
    if (stored.legs_fetched_at && stored.legs_hash == incoming.legs_hash) return;
    if (stored.legs_fetched_at && is_older(incoming, *stored.legs_fetched_at)) {
        plan.stale = true;
        return;
    }
    plan.write_legs = true;
}

/// Called if the listing still shows the content that differed from the stored detail. The engagement may
/// have changed and changed back between the two, so a later list item queues one more detail, which decides.
void resolve_doubt(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    const bool later = incoming.fetched_at > stored.fetched_at + kDoubtSettlesAfter;
    if (!is_doubted(*stored.list_hash) || incoming.late || !later) return;
    plan.list_hash = incoming.core_hash;
    plan.write_list_hash = true;
    plan.enqueue_detail = !incoming.legs_hash;
    plan.write_core = incoming.legs_hash.has_value();
}

void plan_core(const StoredState& stored, const IncomingState& incoming, MergePlan& plan) {
    const bool from_list = incoming.source == RecordSource::list;
    plan.list_hash = stored.list_hash;
    if (incoming.core_hash == stored.core_hash) return;
    if (from_list && tells_of(stored.list_hash, incoming.core_hash)) {
        resolve_doubt(stored, incoming, plan);
        return;
    }
    if (is_older(incoming, stored.fetched_at)) {
        plan.stale = true;
        return;
    }
    if (from_list) {
        plan.list_hash = incoming.core_hash;
        plan.write_list_hash = true;
        plan.enqueue_detail = !incoming.legs_hash;
        // A detail decides if list and detail disagree although the list item has not changed.
        plan.write_core = stored.list_hash.has_value() || !stored.legs_fetched_at || incoming.legs_hash;
        if (!plan.write_core) plan.list_hash = doubted(incoming.core_hash);
        return;
    }
    plan.write_core = true;
    if (stored.list_hash && !tells_of(stored.list_hash, incoming.core_hash)) {
        plan.list_hash.reset();
        plan.write_list_hash = true;
    }
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
