// Progress of long work: a bar on a terminal, an occasional line elsewhere.
// By hand: no progress bar for C++ is in Debian 12.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "sinks/durations.hpp"

namespace glia {

/// The progress of a backfill. Without windows (`windows_total` is 0) it drains the work queue: `engagements`
/// counts its jobs, `details_waiting` the jobs left. Counts from the database include other instances and
/// earlier invocations of the command.
struct ProgressInput {
    std::int64_t windows_done = 0;
    std::int64_t windows_total = 0;
    std::int64_t pages = 0;               ///< listed
    std::int64_t engagements = 0;         ///< listed engagements, or what `counted` says
    const char* counted = "engagements";  ///< the unit of `engagements`, for the progress line
    std::int64_t details_waiting = 0;     ///< legs still to be fetched
    std::int64_t engagements_before = 0;  ///< the part of `engagements` that earlier invocations listed
    std::int64_t details_fetched = 0;     ///< by this invocation
    Milliseconds elapsed{};
    std::optional<Seconds> left;  ///< see TimeLeft
};

/// Estimates the remaining time: the requests left divided by the recent request rate. A page of a listing
/// and a detail count the same, because the API limits requests.
class TimeLeft {
  public:
    /// Inputs in the order of `elapsed`. Returns none while there is no estimate.
    std::optional<Seconds> after(const ProgressInput& input);

  private:
    struct Sample {
        double seconds;
        double done;
    };
    std::deque<Sample> samples_;
    bool with_details_ = false;
    bool listing_ = false;
    double rate_ = 0;  // recent requests per second; 0: not known yet
};

/// The pause after an inspection of the progress that took `took`. Counting a long queue is expensive, so the
/// pause is a multiple of the inspection's duration.
Milliseconds progress_pause(std::chrono::steady_clock::duration took);

/// One line without line end, at most `width` columns; with a bar if `bar`.
std::string progress_line(const ProgressInput& input, bool bar, std::size_t width);

/// `1h02m`, `3m20s`, `12s`.
std::string short_duration(Seconds duration);

/// `12,345`.
std::string with_commas(std::int64_t number);

}  // namespace glia
