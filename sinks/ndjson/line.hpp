// An engagement as a line of JSON.
#pragma once

#include <string>
#include <vector>

#include "sinks/record_writer.hpp"
#include "sinks/records.hpp"

namespace glia::ndjson {

/// One line with its newline: `id`, `fetched_at`, `content_hash`, `site_ids`, then the API's own members in
/// the API's own shape, `extra` with what is not documented, and `legs`, which is null while they are not
/// known yet. Two lines of one content bear one hash; of several lines of an engagement the one with the
/// latest `fetched_at` counts, of those the last. `site_ids`: the sites whose listing had shown it by then.
std::string line_of(const Engagement& engagement, Instant fetched_at,
                    const std::vector<std::string>& site_ids);

/// The same of an entry of a listing: `kind` (operator, site, queue), `id`, `listed_by` (the site),
/// `fetched_at`, `missing`, which is true for one that the listing does not show any more, and then, of the
/// others, its members. Lines of engagements have no `kind`.
std::string line_of(const ListedEntry& listed);

}  // namespace glia::ndjson
