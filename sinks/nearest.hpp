// What a misspelt word was meant to be.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace glia {

/// The known word nearest to `word`, if one is near enough to be what was meant.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace glia
