#include "sinks/postgres/prepared.hpp"

namespace glia::postgres {

Prepared::Use Prepared::use(std::string_view sql) {
    if (!allowed_) return {};
    const auto found = statements_.find(sql);
    if (found == statements_.end()) {
        statements_.emplace(sql, Use{});
        return {};
    }
    Use& known = found->second;
    if (!known.name.empty()) return known;
    known.name = "glia_" + std::to_string(++prepared_);
    return {true, known.name};
}

}  // namespace glia::postgres
