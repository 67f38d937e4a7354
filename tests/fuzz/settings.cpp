// Any bytes as a configuration: settings, or complaints; and what is shown can be read again.
#include "daemon/config/settings.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto no_environment =
        +[](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    try {
        const std::string text(reinterpret_cast<const char*>(data), size);
        glia::show_settings(glia::parse_settings(text, "f", no_environment));
    } catch (const glia::ConfigError& error) {
        if (error.lines().empty()) std::abort();
    }
    return 0;
}
