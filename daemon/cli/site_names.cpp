#include "daemon/cli/site_names.hpp"

#include <algorithm>
#include <set>

#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "sinks/nearest.hpp"

namespace glia::cli {
namespace {

std::set<std::string> ids_named(const Settings& settings, const std::string& name, const SiteNames& names) {
    std::set<std::string> ids;
    for (const std::string& id : settings.api.sites) {
        const auto given = settings.directory.sites.find(id);
        const auto known = names.find(id);
        if ((given != settings.directory.sites.end() && given->second.name == name) ||
            (known != names.end() && known->second == name))
            ids.insert(id);
    }
    return ids;
}

SiteNames stored_names(const Settings& settings) {
    try {
        return open_sink(settings)->directory().site_names(settings.api.sites);
    } catch (const SinkError&) {
        return {};
    }
}

void complain_of_several(const std::string& name, const std::set<std::string>& ids) {
    std::string list;
    for (const std::string& id : ids) list += (list.empty() ? "" : ", ") + id;
    complain("--site: several sites are called " + name + "; give the id: " + list);
}

std::vector<std::string> in_order(std::vector<std::string> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

}  // namespace

bool is_configured_site(const Settings& settings, const std::string& id) {
    const auto& sites = settings.api.sites;
    return std::find(sites.begin(), sites.end(), id) != sites.end();
}

std::optional<std::string> site_id_of(const Settings& settings, const std::string& site,
                                      const SiteNames& names) {
    if (is_configured_site(settings, site)) return site;
    const auto ids = ids_named(settings, site, names);
    if (ids.size() == 1) return *ids.begin();
    if (ids.empty()) {
        const auto hint = nearest(site, settings.api.sites);
        complain("--site: " + site + " is not in api.sites, and none of those has that name" +
                 (hint ? "; did you mean " + *hint + "?" : std::string()));
    } else {
        complain_of_several(site, ids);
    }
    return std::nullopt;
}

std::optional<std::string> site_id_of(const Settings& settings, const std::string& site) {
    if (is_configured_site(settings, site)) return site;
    return site_id_of(settings, site, stored_names(settings));
}

std::optional<std::vector<std::string>> chosen_sites(const Settings& settings,
                                                     const std::vector<std::string>& named) {
    if (named.empty()) return in_order(settings.api.sites);
    std::vector<std::string> ids;
    for (const std::string& site : named) {
        if (auto id = site_id_of(settings, site)) ids.push_back(std::move(*id));
    }
    if (ids.size() < named.size()) return std::nullopt;
    return in_order(std::move(ids));
}

std::optional<std::string> stored_site_id_of(const Settings& settings, const std::string& site) {
    if (is_configured_site(settings, site)) return site;
    const auto ids = ids_named(settings, site, stored_names(settings));
    if (ids.empty()) return site;
    if (ids.size() == 1) return *ids.begin();
    complain_of_several(site, ids);
    return std::nullopt;
}

}  // namespace glia::cli
