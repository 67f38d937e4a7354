#include "daemon/parse/leg_ids.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "daemon/parse/canonical_json.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

RecordText keep_text(RecordMemory& memory, std::string_view text) {
    return RecordText::borrowed(memory.keep(text));
}

void keep_sent_id(Leg& leg, RecordMemory& memory) {
    std::string why;
    const std::string member = R"({"id":)" + json_quote(*leg.id);
    const std::string merged = leg.extra ? member + "," + std::string((*leg.extra).substr(1)) : member + "}";
    leg.extra = keep_text(memory, canonical_json(merged, why).value_or(merged));
}

}  // namespace

void assign_leg_ids(std::vector<Leg>& legs, RecordMemory& memory) {
    // The fast path: a few legs with distinct ids need no map.
    constexpr std::size_t kFew = 8;
    const auto has_own_id = [&](const Leg& leg) {
        return leg.id && !(*leg.id).empty() &&
               std::none_of(std::as_const(legs).data(), &leg,
                            [&](const Leg& other) { return other.id == leg.id; });
    };
    if (legs.size() <= kFew && std::all_of(legs.begin(), legs.end(), has_own_id)) return;
    std::set<std::string, std::less<>> taken;
    std::vector<Leg*> without_id;
    for (Leg& leg : legs) {
        if (!leg.id || (*leg.id).empty() || !taken.emplace(*leg.id).second) without_id.push_back(&leg);
    }
    std::map<std::string, std::size_t> last_number;  // by id: the last number assigned
    for (Leg* const leg : without_id) {
        const bool repeated = leg->id && !(*leg->id).empty();
        if (leg->id) keep_sent_id(*leg, memory);
        const std::string sent = repeated ? leg->id.str() : std::string();
        std::size_t next = repeated ? 2 : static_cast<std::size_t>(leg - legs.data());
        if (const auto last = last_number.find(sent); repeated && last != last_number.end())
            next = last->second + 1;
        std::string id;
        do id = sent + "#" + std::to_string(next++);
        while (!taken.insert(id).second);
        last_number[sent] = next - 1;
        leg->id = keep_text(memory, id);
    }
}

}  // namespace glia
