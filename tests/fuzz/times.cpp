// Any bytes as a time, an HTTP date, a Retry-After header, a duration, a URL.
#include "daemon/api/retry_policy.hpp"
#include "daemon/base/url.hpp"
#include "sinks/timestamp.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto time = glia::parse_timestamp(text)) {
        if (glia::parse_timestamp(glia::to_iso8601(*time)) != time) std::abort();
    }
    glia::parse_http_date(text);
    const auto wait = glia::retry_after(text, glia::Instant{});
    if (wait && (*wait < glia::Milliseconds{0} || *wait > glia::kLongestRetryAfter)) std::abort();
    if (const auto duration = glia::parse_duration(text)) {
        if (glia::parse_duration(glia::to_text(*duration)) != duration) std::abort();
    }
    if (const auto url = glia::parse_url(text)) {
        if (url->target.find_first_of("\r\n ") != std::string::npos || url->origin.host.empty()) std::abort();
        if (glia::parse_url(glia::to_text(*url)) != url) std::abort();
    }
    const glia::Url page{{"https", "api.example", "443"}, "/v1/engagements?x=1"};
    if (const auto url = glia::resolve_link(page, text)) {
        if (!url->target.starts_with('/') || glia::resolve_link(page, glia::to_text(*url)) != url)
            std::abort();
    }
    const auto pause = glia::rate_limit_pause("0", text, glia::Instant{});
    if (pause && (*pause <= glia::Milliseconds{0} || *pause > glia::kLongestRetryAfter)) std::abort();
    glia::parse_proxy(text);
    return 0;
}
