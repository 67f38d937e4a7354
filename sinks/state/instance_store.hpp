// What instances of the program leave for one another: leases of the dead, and the API server's clock.
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

    /// The owners named by any lease or claim that holds.
    virtual std::vector<std::string> lease_owners() = 0;
    /// Frees every lease and claim of an owner that is known to be dead.
    virtual void release_leases_of_dead(const std::string& owner) = 0;
    /// Ends transactions that still hold rows of leases which ran out `after` ago. Returns how many.
    virtual std::int64_t end_stuck(Seconds after) = 0;

    /// How far the API server's clock was ahead of the machine's, as a program there last found; none: nobody
    /// did.
    virtual std::optional<std::chrono::microseconds> server_clock(const std::string& machine) = 0;
    virtual void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) = 0;
};

}  // namespace glia
