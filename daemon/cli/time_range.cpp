#include "daemon/cli/time_range.hpp"

#include "daemon/cli/commands.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {

std::optional<TimeRange> read_range(const std::string& from, const std::string& to, const std::string& verb) {
    const auto refuse = [](const std::string& line) {
        complain(line);
        return std::nullopt;
    };
    TimeRange range;
    const auto start = parse_timestamp(from);
    if (!start)
        return refuse("--from: " + from + " is not a time; write it like 2024-01-01 or 2024-01-01T00:00:00Z");
    if (*start < kEarliestStart)
        return refuse("--from: " + from + " is before " + to_iso8601(kEarliestStart) +
                      ", and nothing is older than that; write --from 1970-01-01 to " + verb + " everything");
    range.from = *start;
    const Instant now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    range.to = now;
    range.to_is_open = true;
    if (!to.empty()) {
        const auto end = parse_timestamp(to);
        if (!end)
            return refuse("--to: " + to + " is not a time; write it like 2024-02-01 or 2024-02-01T00:00:00Z");
        range.to = *end;
        range.to_is_open = *end > now;
    }
    if (range.to <= range.from) {
        return refuse(to.empty() ? "--from lies in the future; there is nothing to " + verb
                                 : "--to must be later than --from");
    }
    return range;
}

}  // namespace glia::cli
