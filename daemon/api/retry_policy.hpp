// When to send a request again: pure decisions (DESIGN.md §2, api.max_retries).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Exponential backoff with full jitter: after n failed attempts, waits a random time up to base * 2^(n - 1)
/// or `cap`, whichever is less.
struct Backoff {
    Milliseconds base{500};
    Milliseconds cap{30'000};

    /// `failed` attempts so far, at least 1; `random` in [0, 1).
    Milliseconds delay(int failed, double random) const;
};

// Caps Retry-After, so that an absurd header cannot stall the program. If the server needs longer, it sends
// the header again.
inline constexpr Milliseconds kLongestRetryAfter{60'000};

/// Parses a Retry-After header (RFC 9110 §10.2.3: seconds or a date). Returns at most kLongestRetryAfter,
/// none if it is absent or unreadable. A date is relative to `server_now`.
std::optional<Milliseconds> retry_after(std::string_view header, Instant server_now);

/// How long to pause for `x-rate-limit-remaining` and `x-rate-limit-reset` (spec: api-facts, Rate limits), at
/// most kLongestRetryAfter. None unless `remaining` is zero and `reset` is a plausible time. The reset is
/// documented in Unix seconds; milliseconds and finer units, and seconds from now, are recognised by their
/// magnitude.
std::optional<Milliseconds> rate_limit_pause(std::string_view remaining, std::string_view reset,
                                             Instant server_now);

/// True for statuses that are worth a retry: 408, 425, 429 and all 5xx.
bool is_transient(int status);

}  // namespace glia
