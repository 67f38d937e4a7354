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

/// A minted token and when it expires.
struct MintedTokenState {
    std::string token;
    std::chrono::steady_clock::time_point renew_at;
    std::chrono::steady_clock::time_point ends_at;
    std::size_t endpoint = 0;  ///< index of the documented endpoint that minted it
};
/// How long a minted token is used.
struct TokenLife {
    Milliseconds renew_after;  ///< when to mint the next token, while this one still works
    Milliseconds ends_after;
};
/// A token is renewed five minutes before it expires, or after half of its lifetime if that is short.
/// `expires_in` in seconds, from TokenResponse; none: about an hour (spec: api-facts).
TokenLife token_life(std::optional<std::int64_t> expires_in);

/// Loop's thread only.
class TokenSource {
  public:
    virtual ~TokenSource() = default;
    /// The token to use now.
    virtual Task<Result<std::string>> get() = 0;
    /// The API refused `token`. Returns true if get() now returns another one, which is worth a retry.
    virtual Task<bool> refused(const std::string& token) = 0;
    /// When the token expires, or is assumed to expire; none if unknown.
    virtual std::optional<std::chrono::steady_clock::time_point> ends_at() const { return std::nullopt; }
    /// State for the source that replaces this one after a reload; none for sources that can read again.
    virtual std::optional<MintedTokenState> minted() const { return std::nullopt; }
    virtual void restore(std::optional<MintedTokenState>) {}
};

/// Exchanges the API key for a token: sends POST `path` with `body` and returns the response's body.
using MintRequest = std::function<Task<Result<std::string>>(std::string path, std::string body)>;

std::unique_ptr<TokenSource> make_token_source(Runtime& runtime, const AuthSettings& settings,
                                               MintRequest mint);

/// A source that reads the token from `file`. `setting`: the configuration key of the file, for errors.
std::unique_ptr<TokenSource> make_file_token(Runtime& runtime, std::string file, std::string setting);

}  // namespace glia
