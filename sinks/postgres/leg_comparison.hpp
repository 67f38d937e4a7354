// Compares stored legs with records in the program, which takes a tenth of the time of passing the records to
// PostgreSQL as JSON.
#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "sinks/postgres/connection.hpp"
#include "sinks/records.hpp"

namespace glia::postgres {

/// Returns the ids of the engagements (all of which have legs) whose stored legs or queues of legs seem to
/// differ. Some of them may be equal but in another text form; the caller has to compare them exactly.
std::set<std::string_view> find_doubtful_legs(Transaction& tx,
                                              const std::vector<const Engagement*>& engagements);

}  // namespace glia::postgres
