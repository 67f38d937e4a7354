// When to try which address of a name (RFC 8305, "Happy Eyeballs"): decisions only, no sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <variant>
#include <vector>

#include "sinks/durations.hpp"

namespace glia {

/// The order in which to try addresses: as they stand, but the families take turns (RFC 8305 §4), so that a
/// family without a route costs one attempt. `is_ipv6` tells of each address; the result holds indices.
std::vector<std::size_t> interleave_families(const std::vector<bool>& is_ipv6);

/// Attempts to connect run beside each other: the next one starts when the one before has failed, or has
/// been silent for kStagger. All share one deadline.
class ConnectSchedule {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// RFC 8305 §5 recommends 250 ms: most connections are made by then, and a black hole costs no more.
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

    /// With many addresses or little time the stagger shrinks, so that the last one has half of the time.
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
