// Sites by name where a command takes an id.
#pragma once

#include <optional>
#include <string>

#include "daemon/config/settings.hpp"

namespace glia::cli {

/// The id of the site that `site` names: an id of `api.sites`, or the name of one of them, in the
/// configuration or as the API told it. None, and the reason is told as one of `--site`, if there is no such
/// site or several have the name.
std::optional<std::string> site_id_of(const Settings& settings, const std::string& site);

}  // namespace glia::cli
