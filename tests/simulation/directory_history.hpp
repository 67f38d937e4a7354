// A history of the directory. It lasts days instead of minutes, because listings are read every few hours,
// and has its own world, separate from that of the engagements (history.hpp).
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/scenario.hpp"

namespace simulation {

/// Like run_history(), for the scenario's directory.
std::string run_directory_history(const Scenario& scenario, const std::vector<int>& kept, bool trace);

}  // namespace simulation
