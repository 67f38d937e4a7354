// How fast requests may leave, for the whole process (DESIGN.md §2, api.rate_limit). Pure: time is handed in.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "sinks/durations.hpp"

namespace glia {

/// Spaces requests evenly, so that no second sees more of them than the limit.
///
/// With a fixed limit the spacing is fixed. Without one (auto) the limit is found from what the API refuses
/// (429): the rate starts low and rises quickly until something is refused; then what got through in the last
/// second tells the limit, and the rate stays a little below it. After a while it is felt for again, ever
/// more boldly while nothing is refused, so that a limit that was raised is found as well. A rate that is not
/// used does not rise.
class RateLimiter {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    static constexpr double kHighestAuto = 50;  ///< requests per second; DESIGN.md's ceiling
    static constexpr double kLowestAuto =
        0.5;  ///< slow enough for any API, fast enough to notice that it recovered
    static constexpr double kFirstAuto = 10;  ///< an API with a low limit refuses few before it is found
    /// Refusals of requests that were under way are one event; and it takes a second to see what gets
    /// through.
    static constexpr Milliseconds kSettle{1500};
    /// How long a limit that was found is believed. Each doubt costs a few refusals, and a pause if the API
    /// asks for one.
    static constexpr Seconds kHold{30};

    /// `limit` in requests per second; 0: none; nullopt: auto.
    explicit RateLimiter(std::optional<double> limit);

    /// When the next request may leave; not after `now` means at once.
    Time next(Time now) const;
    /// A request leaves.
    void sent(Time now);
    /// It was answered. `pause`: do not ask again before then, whoever asks.
    void accepted(Time now);
    void refused(Time now, std::optional<Duration> pause);
    /// The API says how many requests are left until when.
    void remaining(Time now, double count, Duration until_reset);

    /// Requests per second; 0: no limit.
    double rate() const { return rate_; }

  private:
    /// What happened within the last second.
    class LastSecond {
      public:
        void add(Time now) {
            times_.push_back(now);
            forget(now);
        }
        double count(Time now) {
            forget(now);
            return static_cast<double>(times_.size());
        }

      private:
        void forget(Time now) {
            while (!times_.empty() && now - times_.front() > Seconds{1}) times_.pop_front();
        }
        std::deque<Time> times_;
    };

    /// By how much the rate may grow in a second, as a part of it.
    double growth(Time now) const;

    bool automatic_;
    double rate_;
    Time next_{};
    Time paused_until_{};
    LastSecond sent_;
    LastSecond accepted_;
    std::optional<Time> found_at_;  // when the limit was last found
    std::optional<Time> last_rise_;
};

}  // namespace glia
