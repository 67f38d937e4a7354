#include "daemon/base/environment.hpp"

#include <cstdlib>

namespace glia {

std::optional<std::string> process_environment(const std::string& name) {
    // The program never changes its environment, so getenv() cannot race.
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace glia
