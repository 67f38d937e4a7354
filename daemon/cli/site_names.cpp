#include "daemon/cli/site_names.hpp"

#include <algorithm>
#include <set>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/session.hpp"
#include "sinks/nearest.hpp"

namespace glia::cli {
namespace {

std::set<std::string> ids_named(const Settings& settings, const std::string& name) {
    std::set<std::string> ids;
    for (const std::string& id : settings.api.sites) {
        const auto given = settings.directory.sites.find(id);
        if (given != settings.directory.sites.end() && given->second.name == name) ids.insert(id);
    }
    try {
        const auto sink = open_sink(settings);
        for (std::string& id : sink->directory().sites_named(name, settings.api.sites))
            ids.insert(std::move(id));
    } catch (const SinkError&) {
        // Without the database there are the names of the configuration; the command tells of the database.
    }
    return ids;
}

}  // namespace

std::optional<std::string> site_id_of(const Settings& settings, const std::string& site) {
    const auto& sites = settings.api.sites;
    if (std::find(sites.begin(), sites.end(), site) != sites.end()) return site;
    const auto ids = ids_named(settings, site);
    if (ids.size() == 1) return *ids.begin();
    if (ids.empty()) {
        const auto hint = nearest(site, sites);
        complain("--site: " + site + " is not in api.sites, and none of those has that name" +
                 (hint ? "; did you mean " + *hint + "?" : std::string()));
    } else {
        std::string list;
        for (const std::string& id : ids) list += (list.empty() ? "" : ", ") + id;
        complain("--site: several sites are called " + site + "; give the id: " + list);
    }
    return std::nullopt;
}

}  // namespace glia::cli
