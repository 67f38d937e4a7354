// What a batch holds besides engagements: rejected records, and how the details fared that it was to bring.
#pragma once

#include <set>
#include <string>

#include "sinks/checkpoint.hpp"
#include "sinks/postgres/connection.hpp"

namespace glia::postgres {

/// Thrown out of a transaction whose details somebody else has claimed meanwhile: nothing of it is written.
struct ClaimsLost {
    std::set<std::string> engagements;
};

/// Keeps the rejected records, but for those of engagements and visitors that were forgotten.
void write_rejected(Transaction& tx, const Batch& batch);

/// Settles the batch's details (work_outcomes.hpp). Throws ClaimsLost if somebody else has claimed some
/// meanwhile. After the engagements were written.
void settle_details(Transaction& tx, const Batch& batch);

}  // namespace glia::postgres
