#include "daemon/config/config_error.hpp"

#include <utility>

namespace glia {
namespace {

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> lines)
    : std::runtime_error(join(lines)), lines_(std::move(lines)) {}

}  // namespace glia
