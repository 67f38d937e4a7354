// Where the bearer token comes from (DESIGN.md §2, api.auth; spec: api-facts, Tokens).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/api/api_error.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/ops/runtime.hpp"

namespace glia {

/// A token that was minted, and until when it is good.
struct MintedTokenState {
    std::string token;
    std::chrono::steady_clock::time_point renew_at;
    std::chrono::steady_clock::time_point ends_at;
    std::size_t way = 0;  ///< which of the documented endpoints gave it
};

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
