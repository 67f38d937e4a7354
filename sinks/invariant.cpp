#include "sinks/invariant.hpp"

#include <string_view>

namespace glia {

InvariantBroken::InvariantBroken(const char* invariant, const char* file, int line) {
    const std::string_view path = file;
    text_ = "broken invariant: " + std::string(invariant) + " (" +
            std::string(path.substr(path.rfind('/') + 1)) + ":" + std::to_string(line) + ")";
}

}  // namespace glia
