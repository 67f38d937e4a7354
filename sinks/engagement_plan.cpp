#include "sinks/engagement_plan.hpp"

#include "sinks/legacy_hash.hpp"
#include "sinks/record_hash.hpp"

namespace glia {

ContentHashes content_hashes(const Engagement& engagement) {
    ContentHashes hashes{core_hash(engagement), std::nullopt};
    if (engagement.legs) hashes.legs = legs_hash(*engagement.legs);
    return hashes;
}

IncomingState incoming_state(const FetchedEngagement& fetched, std::chrono::steady_clock::time_point now) {
    IncomingState incoming;
    incoming.source = fetched.source;
    const ContentHashes hashes = fetched.hashes ? *fetched.hashes : content_hashes(fetched.engagement);
    incoming.core_hash = hashes.core;
    incoming.legs_hash = hashes.legs;
    incoming.fetched_at = fetched.fetched_at;
    set_age(incoming, now - fetched.sent_at);
    return incoming;
}

MergePlan plan_engagement(std::optional<StoredState>& stored, const Engagement& engagement,
                          const IncomingState& incoming) {
    // Somebody may have set `legs_fetched_at` to NULL to have legs fetched again.
    if (stored && !stored->legs_fetched_at) stored->legs_hash.reset();
    const bool upgraded = stored && upgrade_hashes(*stored, engagement, incoming);
    MergePlan plan = plan_merge(stored, incoming);
    plan.rewrite_hashes = upgraded;
    return plan;
}

}  // namespace glia
