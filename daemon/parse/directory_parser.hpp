// Listings of operators, sites and queues as records (spec: directory-and-statistics).
#pragma once

#include <string>
#include <vector>

#include "daemon/parse/engagement_parser.hpp"
#include "daemon/parse/privacy.hpp"
#include "sinks/directory.hpp"

namespace glia {

/// One page of a listing.
struct DirectoryPage {
    DirectoryRecords records;
    std::vector<RejectedRecord> rejected;  ///< the reasons contain no values
    OptionalText next_page;                ///< none on the last page
};

/// Parses a response to GET /operators, /queues or /sites/{id}: an object with the list, a bare array, or the
/// record itself. A member of another type than documented, or without a column, goes to `extra`. Members
/// that change by the minute are not stored. A record without a usable id, or that is not JSON, is rejected
/// alone. If an id occurs twice, the last record is used. Known names of time zones are converted to IANA
/// names.
Parsed<DirectoryPage> parse_directory(Stream stream, std::string& body, const Privacy& privacy);

}  // namespace glia
