#include "sinks/postgres/operators.hpp"

#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstone_lookup.hpp"

namespace glia::postgres {

std::int64_t erase_operators(Transaction& tx, const std::vector<std::string>& ids) {
    const Params params{array(ids)};
    tx.run(sql::erase_operator_names, params);
    tx.run(sql::erase_operator_sites, params);
    return tx.write(sql::erase_operators, params);
}

std::set<std::string, std::less<>> forgotten_operators(Transaction& tx, const std::vector<std::string>& ids) {
    std::set<std::string, std::less<>> forgotten;
    if (!any_tombstone(tx)) return forgotten;
    TombstoneLookup tombstones;
    for (const std::string& id : ids) tombstones.add_operator(id);
    for (const std::size_t number : tombstones.forgotten(tx)) forgotten.insert(ids[number]);
    return forgotten;
}

}  // namespace glia::postgres
