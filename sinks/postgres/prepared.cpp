#include "sinks/postgres/prepared.hpp"

namespace glia::postgres {

std::string Prepared::name(std::string_view sql,
                           const std::function<void(const std::string& name)>& prepare) {
    if (!allowed_) return {};
    const auto known = names_.find(sql);
    if (known == names_.end()) {
        names_.emplace(sql, "");
        return {};
    }
    if (known->second.empty()) {
        const std::string name = "glia_" + std::to_string(prepared_ + 1);
        prepare(name);
        ++prepared_;
        known->second = name;
    }
    return known->second;
}

}  // namespace glia::postgres
