#include "sinks/postgres/first_sites.hpp"

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

OptionalText next_first_site(Transaction& tx, const std::string& site) {
    return text(tx.run(sql::next_first_site, {site})[0], "site_id");
}

std::vector<std::string> first_sites(Transaction& tx) {
    std::vector<std::string> sites;
    OptionalText site = next_first_site(tx, "");
    for (; site; site = next_first_site(tx, *site)) sites.push_back(*site);
    return sites;
}

}  // namespace glia::postgres
