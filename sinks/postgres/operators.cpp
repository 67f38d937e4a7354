#include "sinks/postgres/operators.hpp"

#include "sinks/postgres/marks.hpp"
#include "sinks/postgres/sql.hpp"

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
    Marks marks;
    for (const std::string& id : ids) marks.add_operator(id);
    for (const std::size_t number : marks.forgotten(tx)) forgotten.insert(ids[number]);
    return forgotten;
}

}  // namespace glia::postgres
