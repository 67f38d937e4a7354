// The API server's clock, as far as HTTP Date headers tell it (DESIGN.md §3.2, §3.3).
#pragma once

#include <chrono>
#include <optional>

#include "sinks/records.hpp"

namespace glia {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Turns moments of the local steady clock into the server's time.
///
/// A Date header has whole seconds and says when the response was made, so each one only bounds the
/// difference of the two clocks: `Date - received <= difference < Date + 1 s - sent`. A guess that lies
/// within the first bounds is believed: it makes times of programs that follow each other within a second
/// comparable. Otherwise the lower bound is taken. Afterwards the estimate only rises, so that of two
/// requests the later one never gets the earlier time, unless the bounds say that it is too high: then the
/// server's clock was set back, and it starts afresh. No I/O.
class ServerClock {
  public:
    /// `guess` is the server's time at `now`: what an earlier program found out, or else the local clock's.
    ServerClock(SteadyTime now, Instant guess);

    void observe(SteadyTime sent, SteadyTime received, Instant date);
    /// The best estimate.
    Instant at(SteadyTime moment) const;
    /// A time that the server's clock had certainly passed at `moment`; the estimate, before any response.
    Instant not_after(SteadyTime moment) const;
    bool known() const { return known_; }

  private:
    std::chrono::microseconds difference_;  // server time since 1970 minus steady time since its epoch
    std::chrono::microseconds least_;       // the same, as far as responses prove it
    bool known_ = false;
};

}  // namespace glia
