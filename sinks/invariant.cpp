#include "sinks/invariant.hpp"

#include <string_view>

namespace glia {

InvariantBroken::InvariantBroken(const char* invariant, const std::source_location& where) {
    const std::string_view path = where.file_name();
    text_ = "broken invariant: " + std::string(invariant) + " (" +
            std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(where.line()) + ")";
}

}  // namespace glia
