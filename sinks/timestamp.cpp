#include "sinks/timestamp.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

namespace glia {
namespace {

using std::chrono::microseconds;

/// Parses a text from its start. Each call returns whether the text matched.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool digits(std::size_t count, int& value) {
        if (text_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (text_[i] < '0' || text_[i] > '9') return false;
            value = value * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(count);
        return true;
    }
    bool one_of(std::string_view characters) {
        if (text_.empty()) return false;
        for (const char character : characters) {  // a loop over two or three is faster than a search
            if (text_.front() != character) continue;
            last_ = character;
            text_.remove_prefix(1);
            return true;
        }
        return false;
    }
    bool word(std::string_view expected) {
        if (!text_.starts_with(expected)) return false;
        text_.remove_prefix(expected.size());
        return true;
    }
    template <std::size_t N>
    bool name(const std::array<std::string_view, N>& names, unsigned& index) {
        for (std::size_t i = 0; i < N; ++i) {
            if (word(names[i])) {
                index = static_cast<unsigned>(i);
                return true;
            }
        }
        return false;
    }
    bool next_is_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
    bool at_end() const { return text_.empty(); }
    char last() const { return last_; }

  private:
    std::string_view text_;
    char last_ = 0;
};

std::optional<Instant> assemble(int year, int month, int day, int hour, int minute, int second,
                                microseconds fraction) {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                              std::chrono::day{static_cast<unsigned>(day)}};
    if (year < 1 || !date.ok()) return std::nullopt;
    // 24:00:00 ends the day, and :60 is a leap second; both become the moment that follows.
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute || second || fraction.count()))) {
        return std::nullopt;
    }
    return Instant{sys_days{date}} + hours{hour} + minutes{minute} + seconds{second} + fraction;
}

bool read_fraction(Reader& in, microseconds& fraction) {
    if (!in.one_of(".,")) return true;
    if (!in.next_is_digit()) return false;
    std::int64_t unit = 100'000;
    while (in.next_is_digit()) {
        int digit = 0;
        in.digits(1, digit);
        fraction += microseconds{digit * unit};
        unit /= 10;
    }
    return true;
}

bool read_offset(Reader& in, std::chrono::minutes& offset) {
    if (in.one_of("Zz") || in.at_end()) return true;
    if (!in.one_of("+-")) return false;
    const int sign = in.last() == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!in.digits(2, hours)) return false;
    if (!in.at_end()) {
        in.one_of(":");
        if (!in.digits(2, minutes)) return false;
    }
    if (hours > 15 || minutes > 59) return false;
    offset = std::chrono::minutes{sign * (hours * 60 + minutes)};
    return true;
}

/// A pattern for eight bytes of a time, in memory order: masks of the fixed bytes and of the digits, and the
/// values of the fixed bytes.
struct Pattern {
    std::uint64_t given_where = 0;
    std::uint64_t given = 0;
    std::uint64_t digits_where = 0;

    /// `shape`: 0 matches a digit, a space matches any byte, any other character matches itself.
    explicit constexpr Pattern(std::string_view shape) {
        for (std::size_t i = 0; i < shape.size(); ++i) {
            const std::uint64_t at = 0xffULL << (8 * i);
            if (shape[i] == '0') {
                digits_where |= at;
            } else if (shape[i] != ' ') {
                given_where |= at;
                given |= static_cast<std::uint64_t>(shape[i]) << (8 * i);
            }
        }
    }
    bool fits(std::uint64_t bytes) const {
        // After the XOR a digit is 0 to 9. Adding 0x76 sets the high bit for every larger value.
        const std::uint64_t values = (bytes ^ 0x3030303030303030U) & digits_where;
        const std::uint64_t others = ((values + 0x7676767676767676U) | values) & 0x8080808080808080U;
        return (((bytes & given_where) ^ given) | others) == 0;
    }
};

/// Parses the form of nearly all of the API's times, to the second or the millisecond:
/// `2024-05-01T12:00:00.123Z`. Returns false for any other text, which the full parser then reads.
bool parse_usual(std::string_view text, Instant& time) {
    static constexpr Pattern kYearAndMonth("0000-00-"), kDay("00      "), kHourAndMinute("  T00:00"),
        kSecond(":00Z    "), kMilliseconds(":00.000Z");
    if (std::endian::native != std::endian::little) return false;  // the patterns assume little endian
    if (text.size() != 20 && text.size() != 24) return false;
    const char* const c = text.data();
    std::uint64_t date = 0, clock = 0, rest = 0;
    std::memcpy(&date, c, 8);
    std::memcpy(&clock, c + 8, 8);
    std::memcpy(&rest, c + 16, 4);
    if (text.size() == 24) std::memcpy(&rest, c + 16, 8);
    const bool to_the_second = text.size() == 20;
    if (!kHourAndMinute.fits(clock) || !(to_the_second ? kSecond : kMilliseconds).fits(rest)) return false;
    const auto digit = [c](std::size_t at) { return c[at] - '0'; };
    const auto two = [&](std::size_t at) { return 10 * digit(at) + digit(at + 1); };

    // Caches the last day, because consecutive times are mostly of the same day.
    struct Day {
        std::uint64_t date;
        std::uint16_t day;
        Instant midnight;
    };
    thread_local std::optional<Day> last;
    const auto day = static_cast<std::uint16_t>(clock);
    if (!last || last->date != date || last->day != day) {
        if (!kYearAndMonth.fits(date) || !kDay.fits(clock)) return false;
        const int year = 100 * two(0) + two(2);
        const auto midnight = assemble(year, two(5), two(8), 0, 0, 0, microseconds{0});
        if (year < 1900 || year > 2200 || !midnight) return false;
        last = Day{date, day, *midnight};
    }
    const int hour = two(11), minute = two(14), second = two(17);
    if (hour > 23 || minute > 59 || second > 59) return false;
    const int milliseconds = to_the_second ? 0 : 100 * digit(20) + two(21);
    time = last->midnight + Seconds{3600 * hour + 60 * minute + second} + Milliseconds{milliseconds};
    return true;
}

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool read_clock(Reader& in, int& hour, int& minute, int& second) {
    return in.digits(2, hour) && in.one_of(":") && in.digits(2, minute) && in.one_of(":") &&
           in.digits(2, second);
}

std::optional<Instant> parse_any(std::string_view text) {
    Reader in(text);
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    microseconds fraction{0};
    std::chrono::minutes offset{0};
    if (!in.digits(4, year) || !in.one_of("-") || !in.digits(2, month) || !in.one_of("-") ||
        !in.digits(2, day)) {
        return std::nullopt;
    }
    if (!in.at_end()) {
        if (!in.one_of("Tt ") || !in.digits(2, hour) || !in.one_of(":") || !in.digits(2, minute))
            return std::nullopt;
        if (in.one_of(":") && (!in.digits(2, second) || !read_fraction(in, fraction))) return std::nullopt;
        if (!read_offset(in, offset) || !in.at_end()) return std::nullopt;
    }
    const auto local = assemble(year, month, day, hour, minute, second, fraction);
    if (!local) return std::nullopt;
    const Instant time = *local - offset;
    static constexpr Instant kFirst{std::chrono::sys_days{std::chrono::year{1} / 1 / 1}};
    static constexpr Instant kEnd{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31} +
                                  std::chrono::days{1}};
    if (time < kFirst || time >= kEnd) return std::nullopt;
    return time;
}

}  // namespace

bool parse_timestamp(std::string_view text, Instant& time) {
    if (parse_usual(text, time)) return true;
    const auto other = parse_any(text);
    if (other) time = *other;
    return other.has_value();
}

std::optional<Instant> parse_timestamp(std::string_view text) {
    Instant time;
    return parse_timestamp(text, time) ? std::optional(time) : std::nullopt;
}

std::optional<Instant> parse_http_date(std::string_view text) {
    Reader in(text);
    unsigned month = 0;
    int year = 0, day = 0, hour = 0, minute = 0, second = 0;
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) {  // asctime: Sun Nov  6 08:49:37 1994
        static constexpr std::array<std::string_view, 7> kDays{"Mon ", "Tue ", "Wed ", "Thu ",
                                                               "Fri ", "Sat ", "Sun "};
        unsigned weekday = 0;
        if (!in.name(kDays, weekday) || !in.name(kMonths, month) || !in.one_of(" ")) return std::nullopt;
        const bool padded = in.one_of(" ");
        if (!in.digits(padded ? 1 : 2, day) || !in.one_of(" ") || !read_clock(in, hour, minute, second) ||
            !in.one_of(" ") || !in.digits(4, year) || !in.at_end()) {
            return std::nullopt;
        }
        return assemble(year, static_cast<int>(month) + 1, day, hour, minute, second, microseconds{0});
    }
    in = Reader(text.substr(comma + 1));
    if (!in.one_of(" ") || !in.digits(2, day) || !in.one_of(" -") || !in.name(kMonths, month) ||
        !in.one_of(" -")) {
        return std::nullopt;
    }
    if (in.last() == '-') {  // RFC 850: two digits, read as 1976 to 2075
        if (!in.digits(2, year)) return std::nullopt;
        year += year > 75 ? 1900 : 2000;
    } else if (!in.digits(4, year)) {
        return std::nullopt;
    }
    if (!in.one_of(" ") || !read_clock(in, hour, minute, second) || !in.word(" GMT") || !in.at_end()) {
        return std::nullopt;
    }
    return assemble(year, static_cast<int>(month) + 1, day, hour, minute, second, microseconds{0});
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s") factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (unit == "d") factor = 86'400'000;
    static constexpr std::int64_t kLongest = std::int64_t{36'525} * 86'400'000;
    if (factor == 0 || number > kLongest / factor) return std::nullopt;
    return Milliseconds{number * factor};
}

std::string to_text(Milliseconds duration) {
    const std::int64_t ms = duration.count();
    for (const auto& [unit, factor] :
         {std::pair{"d", std::int64_t{86'400'000}}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}}) {
        if (ms != 0 && ms % factor == 0) return std::to_string(ms / factor) + unit;
    }
    return std::to_string(ms) + "ms";
}

}  // namespace glia
