// `status --check`: the state as one line and an exit code of the Nagios plug-in interface.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sinks/status.hpp"

namespace glia {

/// The codes of the plug-in interface.
enum class CheckLevel { ok = 0, warning = 1, critical = 2, unknown = 3 };

struct CheckResult {
    CheckLevel level = CheckLevel::ok;
    std::string line;  ///< state, what is wrong with which site, and performance data behind a `|`
};

/// Judges the sites of the configuration. Critical: a site's data is an hour old (or twenty polls, if that is
/// longer), or its first pass fails. Warning: a quarter of that age, a failed pass, a site that was never
/// read, rejected records, more than ten engagements whose legs cannot be fetched, a failing enricher, an
/// unusually low volume, a wrong clock. Error texts are not included: they may quote a visitor.
CheckResult check_status(const StatusReport& report, const std::vector<std::string>& sites,
                         std::chrono::duration<double> poll_every);

/// The result if the state cannot be determined.
CheckResult check_failed(bool database_is_away, const std::string& why);

}  // namespace glia
