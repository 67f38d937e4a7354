#include "daemon/api/token_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <tuple>

#include "daemon/parse/token_response.hpp"

namespace glia {
namespace {

using Clock = std::chrono::steady_clock;

// The lifetime of a token without expires_in: the API's tokens live about an hour.
constexpr Seconds kAssumedLifetime{55 * 60};
// A new token is minted while the old one still works.
constexpr std::chrono::minutes kRenewBefore{5};
// The pause after a failed renewal while the old token works. The token request repeats itself with a backoff
// of its own.
constexpr Seconds kRenewalPause{15};

// Bytes read of a secret's file. No secret is that long.
constexpr std::size_t kLongestFile = 64 * 1024;

ApiError unusable(const std::string& setting, const std::string& source) {
    return {ApiError::Kind::credentials, 0,
            setting + ": " + source +
                " holds no valid secret: blanks, control characters, characters beyond ASCII and more than "
                "16 KiB are not allowed"};
}

/// Returns a file's first line that is not blank, without white space around it.
Result<std::string> read_secret(const std::string& file, const std::string& setting) {
    std::ifstream in(file, std::ios::binary);
    std::string text(kLongestFile, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors put it in front
    if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    constexpr const char* kBlank = " \t\r\n\v\f";
    text.erase(0, text.find_first_not_of(kBlank));
    if (text.empty()) {
        return ApiError{
            ApiError::Kind::credentials, 0,
            setting + ": " + file + " cannot be read, or is empty; put the secret into its first line"};
    }
    const auto secret = clean_secret(std::string_view(text).substr(0, text.find('\n')));
    if (!secret) return unusable(setting, file);
    return *secret;
}

/// Reads a secret's file. A writer that rewrites the file in place leaves it empty, or removes it, for a
/// moment. Retries for up to three seconds if the file is empty, or missing although it existed before
/// (`was_there`); otherwise fails at once.
Task<Result<std::string>> read_secret_patiently(Runtime& runtime, std::string file, std::string setting,
                                                bool was_there) {
    constexpr int kAttempts = 10;
    constexpr Milliseconds kPause{300};
    for (int attempt = 1;; ++attempt) {
        auto read = read_secret(file, setting);
        if (read || attempt == kAttempts) co_return read;
        struct stat info{};
        const bool there = stat(file.c_str(), &info) == 0;
        if (there ? info.st_size != 0 : !was_there) co_return read;
        AsyncCondition never(runtime);
        co_await never.wait_for(kPause);
    }
}

class FileToken final : public TokenSource {
  public:
    FileToken(Runtime& runtime, std::string file, std::string setting)
        : runtime_(runtime), file_(std::move(file)), setting_(std::move(setting)) {}

    Task<Result<std::string>> get() override {
        // stat() on every call is cheap, and a rotated token is used before the API refuses the old one.
        const Identity seen = identity();
        if (token_.empty()) {
            const auto read = co_await read_secret_patiently(runtime_, file_, setting_, false);
            if (!read) co_return read.error();
            take(read.value(), seen);
        } else if (seen != identity_) {
            // While the file is empty, keeps the old token.
            if (const auto read = read_secret(file_, setting_)) take(read.value(), seen);
        }
        co_return token_;
    }

    Task<bool> refused(const std::string& token) override {
        const Identity seen = identity();
        const auto read = co_await read_secret_patiently(runtime_, file_, setting_, true);
        if (!read) co_return false;
        take(read.value(), seen);
        co_return read.value() != token;
    }

  private:
    using Identity = std::tuple<dev_t, ino_t, off_t, time_t, long>;

    Identity identity() const {
        struct stat info{};
        if (stat(file_.c_str(), &info) != 0) return identity_;  // missing while a writer replaces it
        return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    }

    /// `seen`: the file's metadata from before it was read. If it was written since, get() reads it again.
    void take(const std::string& token, const Identity& seen) {
        token_ = token;
        identity_ = seen;
    }

    Runtime& runtime_;
    std::string file_;
    std::string setting_;
    std::string token_;
    Identity identity_{};
};

class EnvironmentToken final : public TokenSource {
  public:
    explicit EnvironmentToken(std::string name) : name_(std::move(name)) {}
    Task<Result<std::string>> get() override {
        const auto value = process_environment(name_);
        if (!value || value->find_first_not_of(" \t\r\n") == std::string::npos) {
            co_return ApiError{
                ApiError::Kind::credentials, 0,
                "api.auth.token_env: the environment variable " + name_ + " is not set, or blank"};
        }
        const auto token = clean_secret(*value);
        if (!token) co_return unusable("api.auth.token_env", "the environment variable " + name_);
        co_return *token;
    }
    Task<bool> refused(const std::string&) override { co_return false; }

  private:
    std::string name_;
};

class MintedToken final : public TokenSource {
  public:
    MintedToken(Runtime& runtime, const AuthSettings& settings, MintRequest mint)
        : runtime_(runtime), settings_(settings), request_(std::move(mint)), minting_(runtime) {}

    Task<Result<std::string>> get() override {
        // While one caller renews the token, the others use the old one until it expires.
        if (is_valid() && (minting_.is_locked() || Clock::now() < renew_at_)) co_return token_;
        co_await renew();
        if (!is_valid() && failure_) co_return *failure_;
        co_return token_;
    }

    Task<bool> refused(const std::string& token) override {
        if (token_ == token) co_await renew();
        co_return !token_.empty() && token_ != token;
    }

    std::optional<Clock::time_point> ends_at() const override {
        if (token_.empty()) return std::nullopt;
        return ends_at_;
    }

    std::optional<MintedTokenState> minted() const override {
        if (token_.empty()) return std::nullopt;
        return MintedTokenState{token_, renew_at_, ends_at_, endpoint_};
    }

    void restore(std::optional<MintedTokenState> state) override {
        if (!state) return;
        token_ = std::move(state->token);
        renew_at_ = state->renew_at;
        ends_at_ = state->ends_at;
        endpoint_ = state->endpoint;
    }

  private:
    bool is_valid() const { return !token_.empty() && Clock::now() < ends_at_; }

    /// Mints a token. One token request at a time: callers that waited for another's use its result, also if
    /// it failed.
    Task<> renew() {
        const std::int64_t before = renewals_;
        co_await minting_.lock();
        if (renewals_ == before) {
            failure_ = co_await mint();
            if (failure_) renew_at_ = Clock::now() + kRenewalPause;
            ++renewals_;
        }
        minting_.unlock();
    }

    Task<std::optional<ApiError>> mint() {
        // An API key belongs to a user or to a site and does not show which: tries both documented endpoints.
        static constexpr std::array<const char*, 2> kPaths{"/operator_authentication/tokens",
                                                           "/sites/tokens"};
        const auto id = co_await read_secret_patiently(runtime_, settings_.api_key_id_file,
                                                       "api.auth.api_key.id_file", !token_.empty());
        if (!id) co_return id.error();
        const auto secret = co_await read_secret_patiently(runtime_, settings_.api_key_secret_file,
                                                           "api.auth.api_key.secret_file", !token_.empty());
        if (!secret) co_return secret.error();
        const std::string body = boost::json::serialize(
            boost::json::object{{"api_key_id", id.value()}, {"api_key_secret", secret.value()}});
        std::optional<ApiError> failure;
        for (std::size_t i = 0; i < kPaths.size(); ++i) {
            const std::size_t endpoint = (endpoint_ + i) % kPaths.size();
            const auto response = co_await request_(kPaths[endpoint], body);
            if (!response) {
                if (!failure || failure->kind == ApiError::Kind::not_found) failure = response.error();
                if (response.error().kind == ApiError::Kind::cancelled ||
                    response.error().kind == ApiError::Kind::unavailable)
                    break;
                continue;
            }
            const auto token = parse_token_response(response.value());
            if (!token) {
                failure = ApiError{ApiError::Kind::credentials, 200,
                                   "the answer to the token request holds no token that can be sent"};
                continue;
            }
            endpoint_ = endpoint;
            token_ = token->token;
            const TokenLife life = token_life(token->expires_in);
            renew_at_ = Clock::now() + life.renew_after;
            ends_at_ = Clock::now() + life.ends_after;
            co_return std::nullopt;
        }
        if (failure->kind == ApiError::Kind::forbidden || failure->kind == ApiError::Kind::not_found ||
            failure->kind == ApiError::Kind::refused) {
            failure->kind = ApiError::Kind::credentials;
        }
        co_return failure;
    }

    Runtime& runtime_;
    AuthSettings settings_;
    MintRequest request_;
    AsyncMutex minting_;
    std::string token_;
    Clock::time_point renew_at_{};
    Clock::time_point ends_at_{};
    std::size_t endpoint_ = 0;
    std::int64_t renewals_ = 0;        // finished ones, also failed ones
    std::optional<ApiError> failure_;  // of the last one
};

}  // namespace

TokenLife token_life(std::optional<std::int64_t> expires_in) {
    const Milliseconds life =
        Seconds{std::clamp<std::int64_t>(expires_in.value_or(kAssumedLifetime.count()), 1, kLongestLife)};
    return {life > 2 * kRenewBefore ? life - kRenewBefore : life / 2, life};
}

std::unique_ptr<TokenSource> make_file_token(Runtime& runtime, std::string file, std::string setting) {
    return std::make_unique<FileToken>(runtime, std::move(file), std::move(setting));
}

std::unique_ptr<TokenSource> make_token_source(Runtime& runtime, const AuthSettings& settings,
                                               MintRequest mint) {
    if (!settings.token_file.empty())
        return make_file_token(runtime, settings.token_file, "api.auth.token_file");
    if (!settings.token_env.empty()) return std::make_unique<EnvironmentToken>(settings.token_env);
    return std::make_unique<MintedToken>(runtime, settings, std::move(mint));
}

}  // namespace glia
