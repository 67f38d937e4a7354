// Environment variables.
#pragma once

#include <optional>
#include <string>

namespace glia {

/// Returns the value of an environment variable; none if it is not set. Passed as a parameter, so that tests
/// can replace it.
using Environment = std::optional<std::string> (*)(const std::string& name);

/// Reads the environment of this process.
std::optional<std::string> process_environment(const std::string& name);

}  // namespace glia
