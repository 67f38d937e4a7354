// The status page as HTML: a function of its input, without I/O. An operator sees at once whether the data is
// complete and fresh.
#pragma once

#include <string>

#include "daemon/admin/status_facts.hpp"

namespace glia {

/// One page without outside parts: figures in the HTML itself, a script that renews them, and a reload every
/// ten seconds where there is no script.
std::string status_page(const StatusInput& input);

}  // namespace glia
