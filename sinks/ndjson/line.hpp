// An engagement as a line of JSON.
#pragma once

#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::ndjson {

/// One line with its newline: `id`, `fetched_at`, `content_hash`, `site_ids`, then the API's own members in
/// the API's own shape, `extra` with what is not documented, and `legs`, which is null while they are not
/// known yet. Two lines of one content bear one hash; of several lines of an engagement the one with the
/// latest `fetched_at` counts, of those the last. `site_ids`: the sites whose listing had shown it by then.
std::string line_of(const Engagement& engagement, Instant fetched_at,
                    const std::vector<std::string>& site_ids);

}  // namespace glia::ndjson
