// Sends requests to the API: rate limit, tokens, the server's clock, and retries. Knows no body's meaning.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/api/http.hpp"
#include "daemon/api/request_gate.hpp"
#include "daemon/api/retry_policy.hpp"
#include "daemon/api/server_clock.hpp"
#include "daemon/api/token_source.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/config/settings.hpp"

namespace glia {

/// Loop's thread only.
class RequestSender {
  public:
    /// Takes an answer of status 200, 201, 204 or, of a recording, a redirection. False, with the reason, if
    /// it is none that was asked for: then it is asked for again. `attempt` counts from 1.
    using Accept = std::function<bool(HttpResponse& response, int attempt, std::string& why)>;

    /// Throws std::runtime_error if the CA file cannot be read.
    RequestSender(Scope& scope, const Settings& settings, Metrics& metrics);

    /// Sends until an answer is accepted, an error stays, or no attempt is left; none: accepted. What changes
    /// something at the source (PATCH, POST) is sent again only where the first time certainly did nothing.
    Task<std::optional<ApiError>> send_with_retries(HttpRequest request, Route route, Accept accept);

    /// The URL of a path below `api.base_url`.
    Url url(const std::string& path) const { return {base_.origin, base_.target + path}; }
    const ApiSettings& settings() const { return settings_; }
    /// How this client connects.
    const HttpSettings& http_settings() const { return http_settings_; }
    double rate_limit() { return gate_.limiter().rate(); }
    OptionalInstant token_expires_at() const;

    /// When a response was asked for, by all clocks.
    AskedAt asked_at(const HttpResponse& response) const;
    /// A time by the server's clock at which it had certainly not been asked for yet.
    Instant not_before(const HttpResponse& response) const { return clock_.not_after(response.sent_at); }
    Instant server_now() const;
    void guess_clock(std::chrono::microseconds ahead_of_system);
    std::optional<std::chrono::microseconds> clock_ahead_of_system() const;

    void cancel() { http_.cancel(); }
    void take_over(RequestSender& before);

  private:
    struct Attempt;

    ServerClock::Verdict read_clock(const HttpResponse& response);
    void log_offset(std::chrono::microseconds ahead);
    void read_limits(const HttpResponse& response);
    Attempt judge(const HttpRequest& request, Route route, HttpOutcome outcome);
    Task<Attempt> send_once(HttpRequest request, Route route);
    Task<Result<std::string>> mint(std::string path, std::string body);

    Scope& scope_;
    Runtime& runtime_;
    Metrics& metrics_;
    ApiSettings settings_;
    Url base_;
    HttpSettings http_settings_;
    HttpClient http_;
    RequestGate gate_;
    ServerClock clock_;
    ClockNotice clock_notice_;
    std::unique_ptr<TokenSource> tokens_;
    std::unique_ptr<TokenSource> visitor_tokens_;  // for the queue's wait; null: those above do
    Backoff backoff_;
};

/// This machine's own clock.
Instant machine_clock_now();

/// What a failed exchange is to the caller.
ApiError::Kind api_error_kind(HttpFailure::Kind kind);

bool is_redirection(int status);

}  // namespace glia
