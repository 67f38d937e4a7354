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

/// Returns the JSON of /status.json, with a final line end: the report of `status --json` for the configured
/// sites; each site's state, volume by hour and day, and newest verification; the newest runs and failures.
/// Contains names of sites, but no data of visitors or operators. Without error texts if
/// StatusInput::with_errors is false.
std::string status_json(const StatusInput& input);

}  // namespace glia
