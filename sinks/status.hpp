// What `status` tells (DESIGN.md §1), as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

struct SiteStatus {
    std::string site_id;
    OptionalInstant synced_through;
    std::optional<double> lag_seconds;  ///< by the database's clock
    OptionalInstant last_success_at;
    OptionalText last_error;
    OptionalInstant last_error_at;
    OptionalInstant next_poll_at;
    OptionalText lease_owner;  ///< only while the lease holds
    OptionalInstant lease_expires_at;
    std::int64_t rejected = 0;
};

struct BackfillStatus {
    Instant from{};
    Instant to{};
    std::int64_t windows_done = 0;
    std::int64_t windows_total = 0;
    std::int64_t engagements = 0;
};

struct StatusReport {
    std::vector<SiteStatus> sites;
    std::int64_t details_waiting = 0;
    std::int64_t details_parked = 0;
    std::int64_t rejected = 0;
    std::vector<BackfillStatus> backfills;  ///< unfinished ones
    int schema_version = 0;
};

}  // namespace glia
