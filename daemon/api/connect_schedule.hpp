// When to try which address of a name (RFC 8305, "Happy Eyeballs"): decisions only, no sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <variant>
#include <vector>

#include "sinks/durations.hpp"

namespace glia {

/// Returns the order in which to try addresses, as indices: the given order, alternating between the address
/// families (RFC 8305 §4), so that a family without a route costs one attempt only. `is_ipv6` has one entry
/// for each address.
std::vector<std::size_t> interleave_families(const std::vector<bool>& is_ipv6);

/// Attempts to connect run concurrently: the next one starts when the previous one has failed, or kStagger
/// after it started. All share one deadline.
class ConnectSchedule {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// RFC 8305 §5 recommends 250 ms: most connections succeed within it, and an unreachable address delays
    /// the next attempt by no more.
    static constexpr Milliseconds kStagger{250};

    struct Start {
        std::size_t attempt;  ///< counts from 0
        bool operator==(const Start&) const = default;
    };
    struct Wait {
        Time until;
        bool operator==(const Wait&) const = default;
    };
    struct GiveUp {
        bool timed_out;  ///< false: every attempt has failed
        bool operator==(const GiveUp&) const = default;
    };
    using Action = std::variant<Start, Wait, GiveUp>;

    /// With many addresses or a near deadline the stagger shrinks, so that the last attempt starts before
    /// half of the time is over.
    ConnectSchedule(std::size_t addresses, Time now, Time deadline);

    Action next(Time now);
    /// One of the attempts that were started has failed.
    void on_failure();

  private:
    std::size_t addresses_;
    Time deadline_;
    Time::duration stagger_;
    Time next_start_;
    std::size_t started_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace glia
