#include "daemon/ops/progress.hpp"

#include <algorithm>

namespace glia {
namespace {

/// Time for `left` things at the rate at which `done` were done; none needed if nothing is left, -1 if
/// unknown.
double time_for(std::int64_t left, std::int64_t done, double seconds) {
    if (left <= 0) return 0;
    if (done <= 0 || seconds <= 0) return -1;
    return static_cast<double>(left) * seconds / static_cast<double>(done);
}

}  // namespace

std::chrono::seconds time_left(const ProgressFacts& facts) {
    const double seconds = std::chrono::duration<double>(facts.elapsed).count();
    const double pages = time_for(facts.windows_total - facts.windows_done,
                                  facts.windows_done - facts.windows_before, seconds);
    // Windows not yet read will ask for about as many details as those that were.
    std::int64_t details = facts.details_waiting;
    if (facts.windows_done > 0) {
        details += (facts.windows_total - facts.windows_done) * facts.engagements / facts.windows_done;
    }
    const bool details_needed = facts.details_waiting + facts.details_fetched > 0;
    const double legs = details_needed ? time_for(details, facts.details_fetched, seconds) : 0;
    if (pages < 0 || legs < 0) return std::chrono::seconds{-1};
    return std::chrono::seconds{static_cast<std::int64_t>(std::max(pages, legs))};
}

std::string short_duration(std::chrono::seconds duration) {
    const std::int64_t s = duration.count();
    const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    if (s >= 86'400) return std::to_string(s / 86'400) + "d" + two(s % 86'400 / 3600) + "h";
    if (s >= 3600) return std::to_string(s / 3600) + "h" + two(s % 3600 / 60) + "m";
    if (s >= 60) return std::to_string(s / 60) + "m" + two(s % 60) + "s";
    return std::to_string(s) + "s";
}

std::string with_commas(std::int64_t number) {
    std::string text = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
        text.insert(static_cast<std::size_t>(at), ",");
    }
    return text;
}

std::string progress_line(const ProgressFacts& facts, bool bar, std::size_t width) {
    const double seconds = std::max(0.001, std::chrono::duration<double>(facts.elapsed).count());
    const auto rate = static_cast<std::int64_t>(
        static_cast<double>(facts.engagements - facts.engagements_before) / seconds);
    const std::int64_t percent =
        facts.windows_total > 0 ? 100 * facts.windows_done / facts.windows_total : 100;
    std::string line;
    if (bar) {
        static constexpr std::int64_t kCells = 24;
        const std::int64_t full = percent * kCells / 100;
        line = "[";
        for (std::int64_t i = 0; i < kCells; ++i) line += i < full ? "#" : ".";
        line += "] ";
    }
    line += std::to_string(percent) + "%  windows " + with_commas(facts.windows_done) + "/" +
            with_commas(facts.windows_total) + "  engagements " + with_commas(facts.engagements) + "  " +
            with_commas(rate) + "/s";
    if (facts.details_waiting + facts.details_fetched > 0)
        line += "  legs to come " + with_commas(facts.details_waiting);
    const auto left = time_left(facts);
    line += "  ETA " + (left.count() < 0 ? std::string("?") : short_duration(left));
    if (line.size() > width) line.resize(width);
    return line;
}

}  // namespace glia
