// The API server's clock, as far as HTTP Date headers tell it (DESIGN.md §3.2, §3.3, §3.10).
#pragma once

#include <chrono>
#include <optional>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

using SteadyTime = std::chrono::steady_clock::time_point;

/// How often a response whose Date is doubtful is asked for again at once: two that agree tell the server's
/// time. Where each tells another, the request has failed, and is tried again like any other.
inline constexpr int kMostDoubts = 2;

/// The latest time that a watermark may take: `server` unless that is more than a minute ahead of `machine`,
/// this machine's own clock at the same moment (DESIGN.md §3.10).
Instant latest_watermark(Instant server, Instant machine);

/// Turns moments of the local steady clock into the server's time.
///
/// A Date header has whole seconds and says when the response was made, so each one only bounds the
/// difference of the two clocks: `Date - received <= difference < Date + 1 s - sent`. A guess that lies
/// within the first bounds is believed: it makes times of programs that follow each other within a second
/// comparable. Otherwise the lower bound is taken. Afterwards the estimate only rises, so that of two
/// requests the later one never gets the earlier time, unless the bounds say that it is too high: then the
/// server's clock was set back by less than a minute, and the estimate starts afresh.
///
/// A Date that departs from the estimate by more than a minute is not used: one server of many with a wrong
/// clock, or a cached answer, must not reorder responses. The estimate follows only when all answers of a
/// minute, at least five, agree on another time: then the server's clock was set. Before any answer of this
/// program, a Date may also agree with the local clock; one that agrees with neither is doubtful, and two
/// such answers that agree with each other are believed.
///
/// No I/O; one thread.
class ServerClock {
  public:
    /// What observe() did with a Date.
    enum class Verdict {
        used,
        ignored,  ///< departs from what the answers before it said, or is no time of this century or the next
        doubtful  ///< departs from all that is known, and no answer came before it: only another answer can
                  ///< tell a wrong Date from clocks that differ
    };

    /// `local`: this machine's clock at `now`. `ahead`: the server's clock less this machine's, as an earlier
    /// program found it; zero if there was none.
    ServerClock(SteadyTime now, Instant local, std::chrono::microseconds ahead = {});

    Verdict observe(SteadyTime sent, SteadyTime received, Instant date);
    /// The best estimate.
    Instant at(SteadyTime moment) const;
    /// A time that the server's clock had certainly passed at `moment`; a second before the estimate as long
    /// as no Date has been used.
    Instant not_after(SteadyTime moment) const;
    /// A Date has been used.
    bool known() const { return known_; }

  private:
    using Difference = std::chrono::microseconds;  // server time since 1970 minus steady time since its epoch
    /// Another time that the last answers agree on.
    struct Rival {
        Difference least{};
        SteadyTime since{};
        int answers = 0;
    };

    void take(Difference lower, Difference upper);
    /// True if the answers for another time now outweigh the estimate.
    bool outweighed(Difference lower, Difference upper, SteadyTime received);

    Difference local_;  // the same of this machine's clock
    Difference difference_;
    Difference least_;  // as far as responses prove it
    bool known_ = false;
    std::optional<Rival> rival_;
};

/// Decides when the log tells that the server's clock and this machine's differ.
class ClockNotice {
  public:
    enum class Step { nothing, differs, agrees_again };
    /// `ahead`: the server's clock less this machine's.
    Step on_offset(std::chrono::microseconds ahead);

  private:
    std::optional<std::chrono::microseconds> logged_;  // none: they agree
};

}  // namespace glia
