#include "daemon/base/progress.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace glia {
namespace {

// Seconds over which the rate is averaged. Short enough to follow a rate that changes with the other traffic
// and while the rate limit is still being found.
constexpr double kRateWindow = 60;
// Seconds before a rate is meaningful.
constexpr double kFirstRateAfter = 2;
// The pause between two inspections as a multiple of one inspection's duration, and its bounds.
constexpr int kPauseFactor = 20;
constexpr Milliseconds kShortestPause{1000};
constexpr Milliseconds kLongestPause{10'000};

}  // namespace

std::optional<Seconds> TimeLeft::after(const ProgressInput& input) {
    const bool with_details = input.details_waiting + input.details_fetched > 0;
    const double seconds = std::chrono::duration<double>(input.elapsed).count();
    double done = static_cast<double>(input.pages);
    if (with_details) done += static_cast<double>(input.engagements - input.details_waiting);
    const double windows_left = static_cast<double>(input.windows_total - input.windows_done);
    // Samples are not comparable once the definition of `done` changes (pages only, or pages and legs), nor
    // across the end of the listing: while it runs, an engagement that a second site lists too raises `done`
    // without a request for its legs.
    if (std::exchange(with_details_, with_details) != with_details) {
        samples_.clear();
        rate_ = 0;
    }
    if (std::exchange(listing_, windows_left > 0) != (windows_left > 0)) samples_.clear();
    samples_.push_back({seconds, done});
    while (samples_.size() > 2 && samples_[1].seconds <= seconds - kRateWindow) samples_.pop_front();

    double left = with_details ? static_cast<double>(input.details_waiting) : 0;
    if (windows_left > 0) {
        // Assumes that a window to come costs as much as the average window so far.
        if (input.windows_done == 0) return std::nullopt;
        double one = static_cast<double>(input.pages);
        if (with_details) one += static_cast<double>(input.engagements);
        left += windows_left * one / static_cast<double>(input.windows_done);
    }
    if (left == 0) return Seconds{0};
    const double took = seconds - samples_.front().seconds;
    if (took >= kFirstRateAfter) rate_ = (done - samples_.front().done) / took;
    if (rate_ <= 0) return std::nullopt;
    return Seconds{std::llround(left / rate_)};
}

Milliseconds progress_pause(std::chrono::steady_clock::duration took) {
    return std::clamp(std::chrono::duration_cast<Milliseconds>(kPauseFactor * took), kShortestPause,
                      kLongestPause);
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

std::string progress_line(const ProgressInput& input, bool bar, std::size_t width) {
    const double seconds = std::max(0.001, std::chrono::duration<double>(input.elapsed).count());
    const bool of_queue = input.windows_total == 0;
    const std::int64_t counted = of_queue ? input.engagements - input.details_waiting : input.engagements;
    const auto rate =
        static_cast<std::int64_t>(static_cast<double>(counted - input.engagements_before) / seconds);
    const std::int64_t done = of_queue ? counted : input.windows_done;
    const std::int64_t total = of_queue ? input.engagements : input.windows_total;
    const std::int64_t percent = total > 0 ? 100 * done / total : 100;
    std::string line;
    if (bar) {
        static constexpr std::int64_t kCells = 24;
        const std::int64_t full = percent * kCells / 100;
        line = "[";
        for (std::int64_t i = 0; i < kCells; ++i) line += i < full ? "#" : ".";
        line += "] ";
    }
    line += std::to_string(percent) + "%  ";
    if (!of_queue) line += "windows " + with_commas(done) + "/" + with_commas(total) + "  ";
    line += std::string(input.counted) + " " + with_commas(counted);
    if (of_queue) line += "/" + with_commas(total);
    line += "  " + with_commas(rate) + "/s";
    if (!of_queue && input.details_waiting + input.details_fetched > 0)
        line += "  legs to fetch " + with_commas(input.details_waiting);
    line += "  ETA " + (input.left ? short_duration(*input.left) : std::string("?"));
    if (line.size() > width) line.resize(width);
    return line;
}

}  // namespace glia
