// Checks of a configuration beyond the type and the bounds of each setting.
#pragma once

#include "daemon/base/environment.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/config/yaml_section.hpp"

namespace glia {

/// Checks a section after it was read into `settings`; its path selects the check. Sets defaults that depend
/// on other settings or on the environment. Error messages quote no value.
void check_section(Section& section, Settings& settings, Environment environment);

}  // namespace glia
