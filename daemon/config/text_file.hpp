// Reads the small files of the configuration.
#pragma once

#include <string>

namespace glia {

/// Returns the text of a file without a byte order mark. Throws ConfigError with one line that ends with
/// `advice` if the file cannot be read, is a folder, is empty, is larger than 1 MB, or is not text.
std::string read_text_file(const std::string& file, const std::string& advice);

}  // namespace glia
