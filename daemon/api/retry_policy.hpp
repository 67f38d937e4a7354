// When to send a request again: pure decisions (DESIGN.md §2, api.max_retries).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Exponential backoff with full jitter: attempt n waits a random time up to base * 2^n, at most `cap`.
struct Backoff {
    Milliseconds base{500};
    Milliseconds cap{30'000};

    /// `failed` attempts so far, at least 1; `random` in [0, 1).
    Milliseconds delay(int failed, double random) const;
};

// A longer Retry-After would stall the program on one absurd header; it asks again after this, and is told
// again.
inline constexpr Milliseconds kLongestRetryAfter{60'000};

/// What a Retry-After header asks for (RFC 9110 §10.2.3: seconds or a date), at most kLongestRetryAfter.
/// None if it is absent or unreadable; `server_now` is what a date is compared with.
std::optional<Milliseconds> retry_after(std::string_view header, Instant server_now);

/// How long to pause for `x-rate-limit-remaining` and `x-rate-limit-reset` (spec: api-facts, Rate limits):
/// none unless nothing is left until a time that can be true, at most kLongestRetryAfter. The reset is
/// documented in Unix seconds; milliseconds and finer, and seconds from now, are told by their size.
std::optional<Milliseconds> rate_limit_pause(std::string_view remaining, std::string_view reset,
                                             Instant server_now);

/// Statuses that may go away by themselves: 408, 425, 429 and all 5xx.
bool is_transient(int status);

}  // namespace glia
