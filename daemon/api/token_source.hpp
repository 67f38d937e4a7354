// Where the bearer token comes from (DESIGN.md §2, api.auth; spec: api-facts, Tokens).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/api/api_error.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/config/settings.hpp"
#include "sinks/durations.hpp"

namespace glia {

/// A token that was minted, and until when it is good.
struct MintedTokenState {
    std::string token;
    std::chrono::steady_clock::time_point renew_at;
    std::chrono::steady_clock::time_point ends_at;
    std::size_t way = 0;  ///< which of the documented endpoints gave it
};
/// How long a minted token is used.
struct TokenLife {
    Milliseconds renew_after;  ///< then a new one is minted, while this one still works
    Milliseconds ends_after;
};
/// Five minutes before its end a token is renewed, or after half of its life if that is short. `expires_in`
/// in seconds, as TokenAnswer has it; without, a token is known to live about an hour (spec: api-facts).
TokenLife token_life(std::optional<std::int64_t> expires_in);

/// Loop's thread only.
class TokenSource {
  public:
    virtual ~TokenSource() = default;
    /// The token to use now.
    virtual Task<Result<std::string>> get() = 0;
    /// The API refused `token`. True if get() now gives another one, so that it is worth asking again.
    virtual Task<bool> refused(const std::string& token) = 0;
    /// When the token ends; none if nothing says so.
    virtual std::optional<std::chrono::steady_clock::time_point> ends_at() const { return std::nullopt; }
    /// For the source that follows this one after a reload; none: there is nothing that cannot be read again.
    virtual std::optional<MintedTokenState> minted() const { return std::nullopt; }
    virtual void restore(std::optional<MintedTokenState>) {}
};

/// Exchanges the API key for a token: POST `path` with `body`, the answer's body. Handed in by the API layer.
using MintRequest = std::function<Task<Result<std::string>>(std::string path, std::string body)>;

std::unique_ptr<TokenSource> make_token_source(Runtime& runtime, const AuthSettings& settings,
                                               MintRequest mint);

/// The token in a file, which `setting` names in errors.
std::unique_ptr<TokenSource> make_file_token(Runtime& runtime, std::string file, std::string setting);

}  // namespace glia
