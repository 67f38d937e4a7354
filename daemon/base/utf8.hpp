// Text that is not quite UTF-8, or holds what PostgreSQL does not store.
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// U+FFFD in UTF-8: stands for what cannot be kept.
inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

/// Replaces each U+0000, which PostgreSQL does not store, by U+FFFD.
std::string without_nul(std::string_view text);

/// Replaces each byte that is not part of valid UTF-8 by U+FFFD.
std::string repair_utf8(std::string_view text);

}  // namespace glia
