// Enumerates the leading column of the index on (first_site_id, created_at), for queries by created_at alone.
#pragma once

#include <string>
#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Returns the distinct values of first_site_id in order, with one index search for each.
std::vector<std::string> first_sites(Transaction& tx);
/// Returns the value after `site`; none after the last.
OptionalText next_first_site(Transaction& tx, const std::string& site);

}  // namespace glia::postgres
