#include "daemon/sync/health.hpp"

namespace glia {

std::vector<std::string> Health::being_read() const {
    std::vector<std::string> names;
    for (const auto& [name, site] : sites_) {
        if (site.reading) names.push_back(name);
    }
    return names;
}

std::string Health::summary(std::size_t sites) const {
    std::size_t failing = 0;
    std::size_t read = 0;
    std::string first;
    for (const auto& [name, site] : sites_) {
        if (site.read) ++read;
        if (site.error.empty()) continue;
        if (++failing == 1) first = "site " + name + ": " + site.error;
    }
    const std::string all = std::to_string(sites) + (sites == 1 ? " site" : " sites");
    if (failing == 0 && read < sites) return std::to_string(read) + " of " + all + " read since the start";
    if (failing == 0) return all + " in order";
    return std::to_string(failing) + " of " + all + " failing; " + first;
}

}  // namespace glia
