#include "sinks/records.hpp"

#include <spdlog/fmt/compile.h>

#include <algorithm>

namespace glia {
namespace {

struct Fields {
    int year;
    unsigned month, day;
    long hour, minute, second, micros;
};

Fields split(Instant time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            clock.hours().count(),
            clock.minutes().count(),
            clock.seconds().count(),
            static_cast<long>(clock.subseconds().count())};
}

}  // namespace

bool is_ongoing(const Engagement& engagement, Instant now) {
    if (!engagement.legs) return false;
    if (engagement.legs->empty()) return now - engagement.created_at < std::chrono::days{1};
    return std::any_of(engagement.legs->begin(), engagement.legs->end(),
                       [](const Leg& leg) { return !leg.ended_at.has_value(); });
}

std::string to_text(Instant time) {
    const Fields f = split(time);
    // A compiled format, because a commit formats several timestamps for each engagement.
    return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00"), f.year, f.month, f.day,
                       f.hour, f.minute, f.second, f.micros);
}

std::string to_iso8601(Instant time) {
    const Fields f = split(time);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", f.year, f.month, f.day, f.hour,
                                   f.minute, f.second);
    if (f.micros % 1000 != 0) {
        text += fmt::format(".{:06}", f.micros);
    } else if (f.micros != 0) {
        text += fmt::format(".{:03}", f.micros / 1000);
    }
    return text + "Z";
}

}  // namespace glia
