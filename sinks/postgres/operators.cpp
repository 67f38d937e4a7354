#include "sinks/postgres/operators.hpp"

#include "sinks/content_hash.hpp"
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
    if (!truth(tx.run(sql::any_tombstone)[0], "something")) return forgotten;
    std::vector<std::string> digests;
    digests.reserve(ids.size());
    for (const std::string& id : ids) digests.push_back(to_bytea(bytes_hash(id)));
    const std::vector<std::string> kinds(ids.size(), "operator");
    for (const auto& row : tx.run(sql::forgotten, {array(kinds), array(digests)}))
        forgotten.insert(ids[static_cast<std::size_t>(integer(row, "number")) - 1]);
    return forgotten;
}

}  // namespace glia::postgres
