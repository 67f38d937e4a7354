// A history as it happens: instances of the program's core over a modelled API and a modelled database.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/scenario.hpp"

namespace simulation {

/// Runs the scenario with the events of `kept` (indices, ascending) and checks, while it runs and after it
/// has come to rest, that the tables are what the source says. Returns what is wrong; empty: nothing. The
/// same arguments give the same answer. `trace`: tell on standard error what happens.
std::string run_history(const Scenario& scenario, const std::vector<int>& kept, bool trace = false);

/// Every event of a scenario.
std::vector<int> all_events(const Scenario& scenario);

/// Removes events as long as something stays wrong.
std::vector<int> shrink(const Scenario& scenario);

}  // namespace simulation
