#include "daemon/api/retry_policy.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/parse/timestamp.hpp"

namespace glia {

Milliseconds Backoff::delay(int failed, double random) const {
    const int doublings = std::clamp(failed - 1, 0, 20);
    const auto ceiling = std::min<std::int64_t>(cap.count(), base.count() << doublings);
    return Milliseconds{static_cast<std::int64_t>(static_cast<double>(ceiling) * random)};
}

std::optional<Milliseconds> retry_after(std::string_view header, Instant server_now) {
    while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
    while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
    if (header.empty()) return std::nullopt;
    if (std::all_of(header.begin(), header.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        if (header.size() > 9) return kLongestRetryAfter;
        const auto seconds = std::chrono::seconds{std::stol(std::string(header))};
        return std::min<Milliseconds>(seconds, kLongestRetryAfter);
    }
    const auto date = parse_http_date(header);
    if (!date) return std::nullopt;
    const auto wait = std::chrono::ceil<Milliseconds>(*date - server_now);
    return std::clamp(wait, Milliseconds{0}, kLongestRetryAfter);
}

bool is_transient(int status) {
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600);
}

}  // namespace glia
