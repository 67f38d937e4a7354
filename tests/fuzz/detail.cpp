// Any bytes as the response to GET /engagements/{id}, with a privacy setting that rewrites payloads.
#include "daemon/parse/engagement_parser.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using Level = glia::PrivacyLevel;
    static glia::EngagementParser parser(glia::Privacy(
        {Level::drop, Level::hash, Level::hash, Level::keep, Level::hash}, "a key of the fuzzer"));
    std::string body(reinterpret_cast<const char*>(data), size);
    const auto parsed = parser.detail(body);
    if (!parsed.value) return 0;
    if (parsed.value->engagement.has_value() == parsed.value->rejected.has_value()) std::abort();
    if (parsed.value->engagement && parsed.value->engagement->visitor_name) std::abort();
    return 0;
}
