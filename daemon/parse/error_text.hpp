// What an API error body says, in whatever shape it comes (spec: api-facts, Errors).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// One line of at most 300 bytes; empty if the body says nothing. Never fails on the shape: known members of
/// objects and arrays of objects, else plain text, else HTML without its tags.
std::string error_text(std::string_view body);

/// The answer to a token request: `token` or `access_token`, and `expires_in` seconds if given.
struct TokenAnswer {
    std::string token;
    std::optional<long> expires_in;
};
std::optional<TokenAnswer> parse_token_answer(std::string_view body);

}  // namespace glia
