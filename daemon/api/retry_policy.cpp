#include "daemon/api/retry_policy.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "daemon/base/text.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

std::optional<double> number(std::string_view text) {
    double value = 0;
    text = trim(text);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

}  // namespace

Milliseconds Backoff::delay(int failed, double random) const {
    const int doublings = std::clamp(failed - 1, 0, 20);
    const auto ceiling = std::min<std::int64_t>(cap.count(), base.count() << doublings);
    return Milliseconds{static_cast<std::int64_t>(static_cast<double>(ceiling) * random)};
}

std::optional<Milliseconds> retry_after(std::string_view header, Instant server_now) {
    header = trim(header);
    if (header.empty()) return std::nullopt;
    if (std::all_of(header.begin(), header.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        if (header.size() > 9) return kLongestRetryAfter;
        const auto seconds = Seconds{std::stol(std::string(header))};
        return std::min<Milliseconds>(seconds, kLongestRetryAfter);
    }
    const auto date = parse_http_date(header);
    if (!date) return std::nullopt;
    const auto wait = std::chrono::ceil<Milliseconds>(*date - server_now);
    return std::clamp(wait, Milliseconds{0}, kLongestRetryAfter);
}

std::optional<Milliseconds> rate_limit_pause(std::string_view remaining, std::string_view reset,
                                             Instant server_now) {
    // A number below 1e9 (a Unix time of 2001) is seconds from now. A number beyond the year 5138 is in
    // milliseconds or finer.
    constexpr double kLeastUnixTime = 1e9;
    constexpr double kMostUnixSeconds = 1e11;
    // No quota lasts longer than a day, so a later reset is an error of the header. Ignoring it is safe: the
    // API still answers 429 at its limit.
    constexpr double kFurthest = 25 * 3600;
    const auto left = number(remaining);
    auto at = number(reset);
    if (!left || *left < 0 || *left >= 1 || !at) return std::nullopt;
    while (*at > kMostUnixSeconds) *at /= 1000;
    const double now = std::chrono::duration<double>(server_now.time_since_epoch()).count();
    const double wait = *at < kLeastUnixTime ? *at : *at - now;
    if (wait <= 0 || wait > kFurthest) return std::nullopt;
    return std::min(std::chrono::ceil<Milliseconds>(std::chrono::duration<double>(wait)), kLongestRetryAfter);
}

bool is_transient(int status) {
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600);
}

}  // namespace glia
