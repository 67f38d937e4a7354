// Estimates the API server's clock from HTTP Date headers (DESIGN.md §3.2, §3.3, §3.10).
#pragma once

#include <chrono>
#include <optional>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

using SteadyTime = std::chrono::steady_clock::time_point;

/// How often a request is repeated at once because its response's Date is doubtful. Two responses that agree
/// give the server's time. If none agree, the request has failed and is retried like any other.
inline constexpr int kMaxDoubtfulRepeats = 2;

/// The latest time that a watermark may take: `server` unless that is more than a minute ahead of `machine`,
/// this machine's own clock at the same moment (DESIGN.md §3.10).
Instant latest_watermark(Instant server, Instant machine);

/// Turns moments of the local steady clock into the server's time.
///
/// A Date header has whole seconds and says when the response was made, so each one only bounds the
/// difference of the two clocks: `Date - received <= difference < Date + 1 s - sent`. The first estimate is
/// the difference that an earlier process measured, if it lies within the first bounds; this keeps the times
/// of processes that follow each other within a second comparable. Otherwise it is the lower bound.
/// Afterwards the estimate only rises, so that a later request never gets an earlier time. Exception: if the
/// bounds show that the estimate is too high, the server's clock was set back by less than a minute, and the
/// estimate restarts.
///
/// A Date that differs from the estimate by more than a minute is ignored: a single server with a wrong
/// clock, or a cached response, must not reorder responses. The estimate moves only when all responses of a
/// minute, at least five, agree on another time: then the server's clock was set. Before the first response,
/// a Date may also agree with this machine's clock. A Date that agrees with neither is doubtful; two doubtful
/// responses that agree with each other are used.
///
/// No I/O; one thread.
class ServerClock {
  public:
    /// How observe() treated a Date.
    enum class Verdict {
        used,
        ignored,  ///< contradicts earlier responses, or is outside this century and the next
        doubtful  ///< contradicts the initial estimate and this machine's clock, and no response came before
                  ///< it: only another response can distinguish a wrong Date from clocks that differ
    };

    /// `local`: this machine's clock at `now`. `ahead`: the server's clock minus this machine's, as an
    /// earlier process measured it; zero if there was none.
    ServerClock(SteadyTime now, Instant local, std::chrono::microseconds ahead = {});

    Verdict observe(SteadyTime sent, SteadyTime received, Instant date);
    /// The best estimate.
    Instant at(SteadyTime moment) const;
    /// A lower bound of the server's time at `moment`; a second before the estimate until a Date was used.
    Instant lower_bound_at(SteadyTime moment) const;
    /// A Date has been used.
    bool known() const { return known_; }

  private:
    using Difference = std::chrono::microseconds;  // server time since 1970 minus steady time since its epoch
    /// A competing time that the last responses agree on.
    struct Rival {
        Difference least{};
        SteadyTime since{};
        int responses = 0;
    };

    void take(Difference lower, Difference upper);
    /// Counts a response for a competing time. True once there are enough of them to replace the estimate.
    bool outweighed(Difference lower, Difference upper, SteadyTime received);

    Difference local_;  // this machine's time minus steady time
    Difference difference_;
    Difference least_;  // the greatest lower bound that responses prove
    bool known_ = false;
    std::optional<Rival> rival_;
};

/// Decides when to log that the server's clock and this machine's differ.
class ClockNotice {
  public:
    enum class Step { nothing, differs, agrees_again };
    /// `ahead`: the server's clock minus this machine's.
    Step on_offset(std::chrono::microseconds ahead);

  private:
    std::optional<std::chrono::microseconds> logged_;  // the offset last logged; none: the clocks agree
};

}  // namespace glia
