// The rate limit of the whole process (DESIGN.md §2, api.rate_limit). Pure: time is a parameter.
// By hand: no Debian package adapts to a limit that an API enforces but does not announce.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "sinks/durations.hpp"

namespace glia {

/// Spaces requests evenly, so that no second sees more of them than the limit.
///
/// With a fixed limit the spacing is fixed. Without one (auto), the limiter finds the limit from the API's
/// 429 responses. The rate starts low and rises quickly until the API refuses a request. The number of
/// requests accepted in the last second is then the limit, and the rate stays slightly below it. After kHold
/// the rate rises again, faster the longer nothing is refused, so that a raised limit is found too. A rate
/// that is not used does not rise.
class RateLimiter {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    static constexpr double kHighestAuto = 50;  ///< requests per second; DESIGN.md's ceiling
    static constexpr double kLowestAuto =
        0.5;  ///< slow enough for any API, fast enough to notice that it recovered
    static constexpr double kFirstAuto = 10;  ///< low, so that an API with a low limit refuses few requests
    /// Refusals within this time count as one: they are of requests that were already under way, and the next
    /// estimate needs a full second of responses.
    static constexpr Milliseconds kRefusalWindow{1500};
    /// How long the rate stays at a limit that was found. Each probe above it costs a few refusals, and a
    /// pause if the API asks for one.
    static constexpr Seconds kHold{30};

    /// `limit` in requests per second; 0: none; nullopt: auto.
    explicit RateLimiter(std::optional<double> limit);

    /// When the next request may be sent; now, if the result is not later than `now`.
    Time next(Time now) const;
    /// A request is sent.
    void sent(Time now);
    /// The API accepted or refused a request. `pause` holds back all requests.
    void accepted(Time now);
    void refused(Time now, std::optional<Duration> pause);
    /// The API reports that `count` requests are left until the quota resets.
    void remaining(Time now, double count, Duration until_reset);

    /// Requests per second; 0: no limit.
    double rate() const { return rate_; }

  private:
    /// Counts events within the last second.
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

    /// How much the rate may grow per second, as a fraction of it.
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
