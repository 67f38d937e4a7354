// What a configuration must satisfy beyond the type and the bounds of each setting.
#pragma once

#include "daemon/base/environment.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/config/yaml_section.hpp"

namespace glia {

/// Checks a section that has been read into `settings`, by its path, and fills in what depends on other
/// settings or on the environment. Complaints quote no value.
void check_section(Section& section, Settings& settings, Environment environment);

}  // namespace glia
