// The status page as HTML, which shows whether the data is complete and fresh. Pure.
#pragma once

#include <string>

#include "daemon/admin/status_facts.hpp"

namespace glia {

/// Returns a self-contained page, which loads nothing else. A script updates the figures every five seconds;
/// without scripts the page reloads every ten seconds.
std::string status_page(const StatusInput& input);

}  // namespace glia
