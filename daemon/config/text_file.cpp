#include "daemon/config/text_file.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "daemon/config/config_error.hpp"

namespace glia {

std::string trimmed(const std::string& text) {
    constexpr const char* kSpace = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(kSpace);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string read_text_file(const std::string& file, const std::string& advice) {
    const auto refuse = [&](const std::string& what) {
        throw ConfigError({file + ": " + what + "; " + advice});
    };
    constexpr std::size_t kLargest = std::size_t{1} << 20;  // a thousand times what one needs
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
    if (trimmed(text).empty()) refuse("is empty");
    return text;
}

}  // namespace glia
