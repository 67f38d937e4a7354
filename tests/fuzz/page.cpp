// Any bytes as a page: nothing crashes, and what is accepted can be stored.
#include "daemon/parse/engagement_parser.hpp"
#include "sinks/record_hash.hpp"

#include <cstdlib>

namespace {

void storable(const glia::RecordText& text) {
    if ((*text).find('\0') != std::string_view::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static glia::EngagementParser parser;
    std::string body(reinterpret_cast<const char*>(data), size);
    const auto parsed = parser.page(body);
    if (!parsed.value) return 0;
    for (const auto& engagement : parsed.value->engagements) {
        if ((*engagement.id).empty()) std::abort();
        storable(engagement.id);
        storable(engagement.visitor_name);
        storable(engagement.extra);
        const glia::Engagement copy = engagement;
        if (!(copy == engagement)) std::abort();
        glia::core_hash(copy);
        if (engagement.legs) glia::legs_hash(*engagement.legs);
    }
    for (const auto& rejected : parsed.value->rejected) {
        if (rejected.reason.empty()) std::abort();
    }
    return 0;
}
