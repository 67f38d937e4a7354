#include "sinks/postgres/rounds.hpp"

#include <algorithm>
#include <iterator>

#include "sinks/engagement_plan.hpp"
#include "sinks/invariant.hpp"

namespace glia::postgres {

std::vector<std::vector<Work>> rounds(const std::vector<const Batch*>& batches) {
    struct Item {
        std::string_view id;
        std::size_t part = 0;
        const FetchedEngagement* fetched = nullptr;
    };
    std::size_t count = 0;
    for (const Batch* batch : batches) count += batch->engagements.size();
    std::vector<Item> items;
    items.reserve(count);
    for (std::size_t part = 0; part < batches.size(); ++part) {
        for (const FetchedEngagement& fetched : batches[part]->engagements) {
            items.push_back({*fetched.engagement.id, part, &fetched});
        }
    }
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.id < b.id; });

    const auto now = std::chrono::steady_clock::now();
    std::vector<std::vector<Work>> result;
    std::size_t round = 0;
    for (auto item = items.begin(); item != items.end();) {
        round = item != items.begin() && item->id == std::prev(item)->id ? round + 1 : 0;
        if (round == result.size()) result.emplace_back().reserve(round == 0 ? count : 0);
        Work& work = result[round].emplace_back();
        work.part = item->part;
        work.fetched = item->fetched;
        while (++item != items.end() && item->part == work.part && item->id == work.id()) {
            if (item->fetched->fetched_at >= work.fetched->fetched_at) work.fetched = item->fetched;
        }
        work.incoming = incoming_state(*work.fetched, now);
    }
    for (const std::vector<Work>& each : result) {
        const bool ascend = std::adjacent_find(each.begin(), each.end(), [](const Work& a, const Work& b) {
                                return a.id() >= b.id();
                            }) == each.end();
        check_invariant(ascend, "ids that are written together ascend, so that none stands twice");
    }
    return result;
}

}  // namespace glia::postgres
