// Runs a history: instances of the program's core with a modelled API and a modelled database.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/scenario.hpp"

namespace simulation {

/// Runs the scenario with the events of `kept` (indices, ascending). Checks during the run and at rest that
/// the tables equal the source. Returns the first error; empty if there is none. The same arguments give the
/// same result. `trace`: logs every event on standard error.
std::string run_history(const Scenario& scenario, const std::vector<int>& kept, bool trace = false);

/// Every event of a scenario.
std::vector<int> all_events(const Scenario& scenario);

/// Removes events as long as the history still fails. Returns the remaining ones.
std::vector<int> shrink(const Scenario& scenario);

}  // namespace simulation
