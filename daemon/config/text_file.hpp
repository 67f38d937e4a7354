// Small files of the configuration.
#pragma once

#include <string>

namespace glia {

/// Without white space and line ends around it.
std::string trimmed(const std::string& text);

/// The text of a file, without a byte order mark. Throws ConfigError, one line that ends with `advice`, if it
/// cannot be read or is a folder, empty, larger than 1 MB, or no text.
std::string read_text_file(const std::string& file, const std::string& advice);

}  // namespace glia
