#include <unistd.h>

#include <iostream>

#include "daemon/admin/status_json.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/terminal.hpp"

namespace glia::cli {
namespace {

/// The start is a time of the API server and the end one of the database, so the difference can be negative.
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
            std::cout << printable_json(
                boost::json::serialize(boost::json::object{{"runs", runs_json(runs)}}) + "\n");
        } else if (runs.empty()) {
            std::cout << "nothing has run yet\n";
        } else {
            std::cout << table(runs, has_colour(STDOUT_FILENO));
        }
        return 0;
    });
}

}  // namespace glia::cli
