// Parses token responses, and checks secrets before they go into a header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// Bytes. Servers accept headers of 8 to 16 KiB.
inline constexpr std::size_t kLongestSecret = std::size_t{16} * 1024;

/// Strips white space and control characters from both ends of `text`. Returns none if nothing is left, if it
/// is longer than kLongestSecret, or if it holds anything but printable ASCII: a line end would inject a
/// header.
std::optional<std::string> clean_secret(std::string_view text);

/// The response to a token request (spec: api-facts, Tokens): `token` or `access_token`.
struct TokenResponse {
    std::string token;
    /// Seconds, limited to the range from 1 to kLongestLife; none if missing, not a number or not positive.
    std::optional<std::int64_t> expires_in;
};

/// A year. Caps the value of servers that send milliseconds. A token that expires earlier is renewed when
/// refused.
inline constexpr std::int64_t kLongestLife = 365LL * 24 * 3600;

/// None if the body holds no token that clean_secret() accepts.
std::optional<TokenResponse> parse_token_response(std::string_view body);

}  // namespace glia
