// The names that operators, sites and queues have had (table name_history).
#pragma once

#include <vector>

#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// The current names and when each began: arrays with one element per record.
struct CurrentNames {
    std::vector<Param> ids, names, since;
};

/// Ends the changed names of these records and adds the new ones. For a record without a name, only ends the
/// old one. `kind`: operator, site or queue. The caller has locked the records' rows.
void record_names(Transaction& tx, const char* kind, const CurrentNames& current);

}  // namespace glia::postgres
