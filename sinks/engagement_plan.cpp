#include "sinks/engagement_plan.hpp"

#include "sinks/legacy_hash.hpp"
#include "sinks/record_hash.hpp"

namespace glia {

IncomingState incoming_state(const FetchedEngagement& fetched, std::chrono::steady_clock::time_point now) {
    IncomingState incoming;
    incoming.source = fetched.source;
    incoming.core_hash = core_hash(fetched.engagement);
    if (fetched.engagement.legs) incoming.legs_hash = legs_hash(*fetched.engagement.legs);
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
