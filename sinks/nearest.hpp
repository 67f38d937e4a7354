// Suggests a known word for a misspelt one.
// By hand: Debian 12 has no C++ library for edit distances.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace glia {

/// Returns the known word most similar to `word`; none if no word is similar.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace glia
