#include "sinks/postgres/merge_item.hpp"

#include <algorithm>
#include <iterator>

#include "sinks/engagement_plan.hpp"
#include "sinks/invariant.hpp"

namespace glia::postgres {

std::vector<std::vector<MergeItem>> partition_by_id(const std::vector<const Batch*>& batches) {
    struct Listed {
        std::string_view id;
        std::size_t batch_index = 0;
        const FetchedEngagement* fetched = nullptr;
    };
    std::size_t count = 0;
    for (const Batch* batch : batches) count += batch->engagements.size();
    std::vector<Listed> listed;
    listed.reserve(count);
    for (std::size_t i = 0; i < batches.size(); ++i) {
        for (const FetchedEngagement& fetched : batches[i]->engagements) {
            listed.push_back({*fetched.engagement.id, i, &fetched});
        }
    }
    std::stable_sort(listed.begin(), listed.end(),
                     [](const Listed& a, const Listed& b) { return a.id < b.id; });

    const auto now = std::chrono::steady_clock::now();
    std::vector<std::vector<MergeItem>> partitions;
    std::size_t partition = 0;
    for (auto next = listed.begin(); next != listed.end();) {
        partition = next != listed.begin() && next->id == std::prev(next)->id ? partition + 1 : 0;
        if (partition == partitions.size()) partitions.emplace_back().reserve(partition == 0 ? count : 0);
        MergeItem& item = partitions[partition].emplace_back();
        item.batch_index = next->batch_index;
        item.fetched = next->fetched;
        while (++next != listed.end() && next->batch_index == item.batch_index && next->id == item.id()) {
            if (next->fetched->fetched_at >= item.fetched->fetched_at) item.fetched = next->fetched;
        }
        item.incoming = incoming_state(*item.fetched, now);
    }
    for (const std::vector<MergeItem>& items : partitions) {
        const bool ascend =
            std::adjacent_find(items.begin(), items.end(), [](const MergeItem& a, const MergeItem& b) {
                return a.id() >= b.id();
            }) == items.end();
        check_invariant(ascend, "ids of a partition ascend, so that none occurs twice");
    }
    return partitions;
}

std::vector<std::string> sites_of(const std::vector<MergeItem>& items) {
    std::vector<std::string> sites;
    for (const MergeItem& item : items) {
        if (std::find(sites.begin(), sites.end(), item.site()) == sites.end()) sites.push_back(item.site());
    }
    return sites;
}

}  // namespace glia::postgres
