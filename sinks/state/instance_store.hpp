// State shared between instances: leases of dead instances, and the offset of the API server's clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

class InstanceStore {
  public:
    virtual ~InstanceStore() = default;

    /// The instances that hold an unexpired lease or claim.
    virtual std::vector<std::string> lease_owners() = 0;
    /// Frees every lease and claim of an instance that is known to be dead.
    virtual void release_leases_of_dead(const std::string& instance_id) = 0;
    /// Ends the backends of transactions that still lock rows of leases which expired `after` ago or earlier.
    /// Returns their number.
    virtual std::int64_t end_stuck_transactions(Seconds after) = 0;

    /// How far the API server's clock was ahead of the machine's, as last measured on that machine; none if
    /// never measured.
    virtual std::optional<std::chrono::microseconds> server_clock(const std::string& machine) = 0;
    virtual void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) = 0;
};

}  // namespace glia
