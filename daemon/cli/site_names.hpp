// Lets commands accept a site's name instead of its id.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/settings.hpp"

namespace glia::cli {

/// Names of sites by id.
using SiteNames = std::map<std::string, std::string>;

/// True for an id of `api.sites`.
bool is_configured_site(const Settings& settings, const std::string& id);

/// Resolves `site`: an id of `api.sites`, or the name of such a site in the configuration or in `names`.
/// Prints an error and returns none if no site or several sites match.
std::optional<std::string> site_id_of(const Settings& settings, const std::string& site,
                                      const SiteNames& names);

/// The same with the stored names. If the database is unavailable, uses the configured names only; the
/// command's next step reports the failure.
std::optional<std::string> site_id_of(const Settings& settings, const std::string& site);

/// Resolves the values of `--site`, in order and without duplicates; all sites if there are none. Prints an
/// error for each unknown site and returns none.
std::optional<std::vector<std::string>> chosen_sites(const Settings& settings,
                                                     const std::vector<std::string>& named);

/// Like site_id_of(), for stored records, whose site may no longer be in `api.sites`: an unknown name is
/// taken as an id.
std::optional<std::string> stored_site_id_of(const Settings& settings, const std::string& site);

}  // namespace glia::cli
