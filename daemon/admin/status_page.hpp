// The status page as HTML: a function of facts, without I/O (issue of trust: an operator sees at a glance
// whether the data is complete and fresh).
#pragma once

#include <string>

#include "daemon/base/metrics.hpp"
#include "sinks/status.hpp"

namespace glia {

struct StatusFacts {
    Gauges gauges;
    History history;
    Instant now{};
    bool with_errors = true;  ///< false: texts of errors, which may quote what a visitor wrote, stay out
};

/// One page without outside parts: figures in the HTML itself, a script that renews them, and a reload every
/// ten seconds where there is no script.
std::string status_page(const StatusFacts& facts);

}  // namespace glia
