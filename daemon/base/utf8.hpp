// Repairs text that is not valid UTF-8, or that contains a character which PostgreSQL cannot store.
// By hand: simdjson 3.0 can validate UTF-8, but neither locates nor repairs invalid bytes.
#pragma once

#include <string>
#include <string_view>

namespace glia {

/// U+FFFD in UTF-8: replaces what cannot be stored.
inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

/// Replaces each U+0000, which PostgreSQL does not store, by U+FFFD.
std::string without_nul(std::string_view text);

/// Replaces each byte that is not part of valid UTF-8 by U+FFFD.
std::string repair_utf8(std::string_view text);

}  // namespace glia
