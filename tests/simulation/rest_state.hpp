// Checks a history at rest: the tables equal the source, no lease is held, and no work is left.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/backfiller.hpp"

namespace simulation {

/// A history at rest. The objects that it refers to must outlive it.
struct RestState {
    const Scenario& scenario;
    const World& world;
    Instant start_from;
    const std::vector<std::unique_ptr<Process>>& instances;
    const std::vector<const Backfiller*>& backfillers;
};

/// Returns the first error; empty if there is none. `end`: when the instances were stopped.
std::string fault_at_end(const RestState& state, Instant end);
/// The same for the engagements only.
std::string fault_of_engagements(const RestState& state);

}  // namespace simulation
