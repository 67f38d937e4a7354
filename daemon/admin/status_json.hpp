// The state of the service as JSON: what `status --json` and `runs --json` print, and what /status.json
// serves.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "daemon/admin/status_facts.hpp"
#include "sinks/status.hpp"

namespace glia {

/// The report of `status --json` (DESIGN.md §1).
boost::json::object report_json(const StatusReport& report);

/// Rows of sync_runs, as in `runs --json`.
boost::json::array runs_json(const std::vector<RunStatus>& runs);

/// The facts of the status page: the report of `status --json` for the sites of the configuration, with each
/// site's state, its hours, days and last verification, and with the runs and failures. Names of sites, but
/// nothing of visitors and operators; texts of errors as on the page.
std::string status_json(const StatusInput& input);

}  // namespace glia
