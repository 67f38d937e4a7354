#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/session.hpp"
#include "daemon/cli/terminal.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

boost::json::value to_json(const OptionalText& text) {
    return text ? boost::json::value(*text) : boost::json::value();
}
boost::json::value to_json(const OptionalInstant& time) {
    return time ? boost::json::value(to_iso8601(*time)) : boost::json::value();
}

boost::json::value to_json(const std::vector<RunStatus>& runs) {
    boost::json::array list;
    for (const RunStatus& run : runs) {
        list.push_back({{"mode", run.mode},
                        {"stream", run.stream},
                        {"site_id", to_json(run.site_id)},
                        {"started_at", to_json(run.started_at)},
                        {"finished_at", to_json(OptionalInstant{run.finished_at})},
                        {"window_from", to_json(run.window_from)},
                        {"window_to", to_json(run.window_to)},
                        {"requests", run.requests},
                        {"pages", run.pages},
                        {"engagements", run.engagements},
                        {"rejected", run.rejected},
                        {"error", to_json(run.error)},
                        {"times", run.times}});
    }
    return boost::json::object{{"runs", std::move(list)}};
}

/// The start is a time of the API server and the end one of the database, so that the difference can be
/// negative.
Table::Cell duration_of(const RunStatus& run) {
    if (!run.started_at || *run.started_at > run.finished_at) return {"-", Paint::dim, true};
    return {short_duration(std::chrono::floor<std::chrono::seconds>(run.finished_at - *run.started_at)),
            Paint::plain, true};
}

Table::Cell result_of(const RunStatus& run) {
    if (!run.error) return {"done", Paint::good};
    const std::string times = run.times > 1 ? " (" + with_commas(run.times) + " times)" : "";
    return {printable("failed" + times + ": " + *run.error), Paint::bad};
}

std::string table(const std::vector<RunStatus>& runs, bool colour) {
    Table table(
        {"finished", "took", "mode", "stream", "site", "requests", "engagements", "rejected", "result"});
    for (const RunStatus& run : runs) {
        table.add({{second_of(run.finished_at)},
                   duration_of(run),
                   {printable(run.mode)},
                   {printable(run.stream)},
                   {printable(run.site_id.value_or("all"))},
                   {with_commas(run.requests), Paint::plain, true},
                   {with_commas(run.engagements), Paint::plain, true},
                   {with_commas(run.rejected), run.rejected > 0 ? Paint::warn : Paint::plain, true},
                   result_of(run)});
    }
    return table.text(colour);
}

}  // namespace

int runs(const std::string& config, std::int64_t limit, bool as_json) {
    return guarded([&] {
        const auto sink = open_sink(load_settings(config));
        const std::vector<RunStatus> runs = sink->reports().runs(limit);
        if (as_json) {
            std::cout << printable_json(boost::json::serialize(to_json(runs)) + "\n");
        } else if (runs.empty()) {
            std::cout << "nothing has run yet\n";
        } else {
            std::cout << table(runs, has_colour(STDOUT_FILENO));
        }
        return 0;
    });
}

}  // namespace glia::cli
