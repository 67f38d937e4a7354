// Progress of long work: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "sinks/durations.hpp"

namespace glia {

/// How far a backfill is. Counts from the database are those of all instances and earlier calls.
struct ProgressFacts {
    std::int64_t windows_done = 0;
    std::int64_t windows_total = 0;
    std::int64_t pages = 0;               ///< listed
    std::int64_t engagements = 0;         ///< listed
    std::int64_t details_waiting = 0;     ///< legs still to be fetched
    std::int64_t engagements_before = 0;  ///< of `engagements`, those listed before this call
    std::int64_t details_fetched = 0;     ///< by this call
    Milliseconds elapsed{};
    std::optional<Seconds> left;  ///< see TimeLeft
};

/// How long it still takes: so many requests are left, and so many were answered lately. Pages of a listing
/// and single engagements count alike: it is the API's rate that decides.
class TimeLeft {
  public:
    /// Facts in the order of `elapsed`. Returns none while nothing can be said.
    std::optional<Seconds> after(const ProgressFacts& facts);

  private:
    struct Sample {
        double seconds;
        double done;
    };
    std::deque<Sample> samples_;
    bool with_details_ = false;
    bool listing_ = false;
    double rate_ = 0;  // what was answered in a second, lately; 0: not known yet
};

/// One line without line end, at most `width` columns; with a bar if `bar`.
std::string progress_line(const ProgressFacts& facts, bool bar, std::size_t width);

/// `1h02m`, `3m20s`, `12s`.
std::string short_duration(Seconds duration);

/// `12,345`.
std::string with_commas(std::int64_t number);

}  // namespace glia
