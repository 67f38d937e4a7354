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
    std::vector<std::string> rejected;  ///< why a record could not be read, one line each, without its values
    OptionalText next_page;             ///< none: the last page
};

/// Reads an answer to GET /operators, /queues or /sites/{id}: an object with the list, a bare array, or the
/// record itself. A member of another type than documented, and one without a column, goes to `extra`; what
/// changes by the minute is left out. A record without a usable id is rejected and costs only itself. Of two
/// records with one id the last counts. Names of time zones become IANA names where they are known.
Parsed<DirectoryPage> parse_directory(Stream stream, std::string& body, const Privacy& privacy);

}  // namespace glia
