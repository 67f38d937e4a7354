#include "daemon/base/progress.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace glia {
namespace {

// The rate is that of the last so many seconds: it changes with what else the API is asked, and at the
// beginning a limit may still have to be found.
constexpr double kMemory = 60;
// Before that, a rate is an accident.
constexpr double kEarliest = 2;

}  // namespace

std::optional<Seconds> TimeLeft::after(const ProgressFacts& facts) {
    const bool with_details = facts.details_waiting + facts.details_fetched > 0;
    const double seconds = std::chrono::duration<double>(facts.elapsed).count();
    double done = static_cast<double>(facts.pages);
    if (with_details) done += static_cast<double>(facts.engagements - facts.details_waiting);
    const double windows_left = static_cast<double>(facts.windows_total - facts.windows_done);
    // What counts as done is another thing from here on: pages only or legs too; and what a listing shows
    // that is known already, as another site's, counts only while there is a listing.
    if (std::exchange(with_details_, with_details) != with_details) {
        samples_.clear();
        rate_ = 0;
    }
    if (std::exchange(listing_, windows_left > 0) != (windows_left > 0)) samples_.clear();
    samples_.push_back({seconds, done});
    while (samples_.size() > 2 && samples_[1].seconds <= seconds - kMemory) samples_.pop_front();

    double left = with_details ? static_cast<double>(facts.details_waiting) : 0;
    if (windows_left > 0) {
        // Windows not yet read are taken for such as those that were.
        if (facts.windows_done == 0) return std::nullopt;
        double one = static_cast<double>(facts.pages);
        if (with_details) one += static_cast<double>(facts.engagements);
        left += windows_left * one / static_cast<double>(facts.windows_done);
    }
    if (left == 0) return Seconds{0};
    const double took = seconds - samples_.front().seconds;
    if (took >= kEarliest) rate_ = (done - samples_.front().done) / took;
    if (rate_ <= 0) return std::nullopt;
    return Seconds{std::llround(left / rate_)};
}

std::string short_duration(Seconds duration) {
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
    line += "  ETA " + (facts.left ? short_duration(*facts.left) : std::string("?"));
    if (line.size() > width) line.resize(width);
    return line;
}

}  // namespace glia
