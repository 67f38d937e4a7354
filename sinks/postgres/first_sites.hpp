// The leading column of the index on (first_site_id, created_at), for questions about a time.
#pragma once

#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// The sites that listed an engagement first, in order: a search of the index for each.
std::vector<std::string> first_sites(Transaction& tx);
/// The one after `site`; none: that was the last.
OptionalText next_first_site(Transaction& tx, const std::string& site);

}  // namespace glia::postgres
