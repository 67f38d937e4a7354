// Progress of long work: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace glia {

/// How far a backfill is.
struct ProgressFacts {
    std::int64_t windows_done = 0;
    std::int64_t windows_total = 0;
    std::int64_t engagements = 0;      ///< in all, earlier calls of the command included
    std::int64_t details_waiting = 0;  ///< legs still to be fetched
    std::int64_t windows_before = 0;   ///< of `windows_done`, those done before this call
    std::int64_t engagements_before = 0;
    std::int64_t details_fetched = 0;  ///< by this call
    std::chrono::milliseconds elapsed{};
};

/// Time left, from the rates so far; negative while nothing can be said.
std::chrono::seconds time_left(const ProgressFacts& facts);

/// One line without line end, at most `width` columns; with a bar if `bar`.
std::string progress_line(const ProgressFacts& facts, bool bar, std::size_t width);

/// `1h02m`, `3m20s`, `12s`.
std::string short_duration(std::chrono::seconds duration);

/// `12,345`.
std::string with_commas(std::int64_t number);

}  // namespace glia
