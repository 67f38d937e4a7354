// Bearer tokens as text: what the API mints, and what may become a header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// Bytes. Servers accept headers of 8 to 16 KiB.
inline constexpr std::size_t kLongestSecret = std::size_t{16} * 1024;

/// `text` without white space and control characters around it; none if nothing is left, if it is longer than
/// kLongestSecret, or if anything in it is not printable ASCII: a token or key with a line's end inside would
/// add a header of its own.
std::optional<std::string> clean_secret(std::string_view text);

/// The answer to a token request (spec: api-facts, Tokens): `token` or `access_token`.
struct TokenAnswer {
    std::string token;
    /// Seconds, at least 1 and at most kLongestLife; none if the answer does not say, or nothing that can be
    /// true.
    std::optional<std::int64_t> expires_in;
};

/// A year. Some servers tell milliseconds; a token that ends earlier than it says is renewed when refused.
inline constexpr std::int64_t kLongestLife = 365LL * 24 * 3600;

/// None if the body holds no token that clean_secret() accepts.
std::optional<TokenAnswer> parse_token_answer(std::string_view body);

}  // namespace glia
