// Any bytes as the answer to GET /engagements/{id}, with a privacy setting that rewrites payloads.
#include "daemon/parse/engagement_parser.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static glia::EngagementParser parser(glia::EngagementParser::Options{true});
    std::string body(reinterpret_cast<const char*>(data), size);
    const auto parsed = parser.detail(body);
    if (!parsed.value) return 0;
    if (parsed.value->engagement.has_value() == parsed.value->rejected.has_value()) std::abort();
    if (parsed.value->engagement && parsed.value->engagement->visitor_name) std::abort();
    return 0;
}
