// Formats an engagement as a line of JSON.
// By hand: Boost.JSON cannot insert existing JSON text (`extra`) without parsing it, which rounds its
// numbers.
#pragma once

#include <string>
#include <vector>

#include "sinks/record_writer.hpp"
#include "sinks/records.hpp"

namespace glia::ndjson {

/// Returns one line with its line end: `id`, `fetched_at`, `content_hash`, `site_ids`, then the API's members
/// in the API's form, `extra` with undocumented members, and `legs`, which is null until they are known.
/// Lines with the same content have the same hash. If an engagement has several lines, the one with the
/// latest `fetched_at` is current; if these are equal, the last line. `site_ids`: the sites whose listing has
/// shown it so far.
std::string line_of(const Engagement& engagement, Instant fetched_at,
                    const std::vector<std::string>& site_ids);

/// The same for an entry of a listing: `kind` (operator, site, queue), `id`, `listed_by` (the site),
/// `fetched_at`, `missing` (true if the listing no longer shows it), then the entry's members unless it is
/// missing. Lines of engagements have no `kind`.
std::string line_of(const ListedEntry& listed);

}  // namespace glia::ndjson
