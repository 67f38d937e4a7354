// Environment variables.
#pragma once

#include <optional>
#include <string>

namespace glia {

/// Looks up an environment variable; handed in so that tests need no environment.
using Environment = std::optional<std::string> (*)(const std::string& name);

/// That of the process; none if the variable is not set.
std::optional<std::string> process_environment(const std::string& name);

}  // namespace glia
