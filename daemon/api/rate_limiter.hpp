// How fast requests may leave, for the whole process (DESIGN.md §2, api.rate_limit). Pure: time is handed in.
#pragma once

#include <chrono>
#include <optional>

namespace glia {

/// Spaces requests evenly, so that no second sees more of them than the limit.
///
/// With a fixed limit the spacing is fixed. Without one (auto) it starts at the highest rate, falls by a
/// quarter below what was getting through when the API refuses a request (429), at most once per kSettle, and
/// rises slowly while none is refused.
class RateLimiter {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    static constexpr double kHighestAuto = 50;  ///< requests per second; DESIGN.md's ceiling
    static constexpr double kLowestAuto =
        0.5;  ///< slow enough for any API, fast enough to notice that it recovered
    static constexpr std::chrono::seconds kSettle{
        2};  ///< refusals of requests already under way are one event

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
    bool automatic_;
    double rate_;
    Time next_{};
    Time paused_until_{};
    std::optional<Time> last_cut_;
    std::optional<Time> last_rise_;
};

}  // namespace glia
