#include "daemon/config/text_file.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "daemon/base/text.hpp"
#include "daemon/config/config_error.hpp"

namespace glia {

std::string read_text_file(const std::string& file, const std::string& advice) {
    const auto refuse = [&](const std::string& what) {
        throw ConfigError({file + ": " + what + "; " + advice});
    };
    constexpr std::size_t kLargest = std::size_t{1} << 20;  // a thousand times a usual configuration
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) refuse("is a folder, not a file");
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::string text(kLargest + 1, '\0');
    if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.is_open() || in.bad()) refuse("cannot be read (" + std::generic_category().message(errno) + ")");
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kLargest) refuse("is larger than 1 MB");
    if (text.find('\0') != std::string::npos) refuse("is not a text in UTF-8");
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    if (trim(text).empty()) refuse("is empty");
    return text;
}

}  // namespace glia
