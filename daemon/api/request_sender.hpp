// Sends requests to the API: rate limit, tokens, the server's clock, and retries. Does not interpret bodies.
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
    /// Called with a response of status 200, 201, 204 or, for a recording, a redirection. Returns false, with
    /// the reason in `why`, to reject it: then the request is sent again. `attempt` counts from 1.
    using Accept = std::function<bool(HttpResponse& response, int attempt, std::string& why)>;

    /// Throws std::runtime_error if the CA file cannot be read.
    RequestSender(CancellationScope& scope, const Settings& settings, Metrics& metrics);

    /// Sends until a response is accepted, an error is permanent, or no attempt is left. Returns none if a
    /// response was accepted. A request that changes the source (PATCH, POST) is sent again only if the API
    /// has certainly not carried it out.
    Task<std::optional<ApiError>> send_with_retries(HttpRequest request, Route route, Accept accept);

    /// The URL of a path below `api.base_url`.
    Url url(const std::string& path) const { return {base_.origin, base_.target + path}; }
    const ApiSettings& settings() const { return settings_; }
    /// How this client connects.
    const HttpSettings& http_settings() const { return http_settings_; }
    double rate_limit() { return gate_.limiter().rate(); }
    OptionalInstant token_expires_at() const;

    /// When the response's request was sent.
    AskedAt asked_at(const HttpResponse& response) const;
    /// A lower bound of that time, by the server's clock.
    Instant not_before(const HttpResponse& response) const { return clock_.lower_bound_at(response.sent_at); }
    Instant server_now() const;
    void set_clock_offset(std::chrono::microseconds ahead_of_machine);
    std::optional<std::chrono::microseconds> clock_ahead_of_machine() const;

    void cancel() { http_.cancel(); }
    void inherit(RequestSender& before);

  private:
    struct Attempt;

    ServerClock::Verdict read_clock(const HttpResponse& response);
    void log_offset(std::chrono::microseconds ahead);
    void read_limits(const HttpResponse& response);
    Attempt judge(const HttpRequest& request, Route route, HttpOutcome outcome);
    Task<Attempt> send_once(HttpRequest request, Route route);
    Task<Result<std::string>> mint(std::string path, std::string body);

    CancellationScope& scope_;
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
    std::unique_ptr<TokenSource> visitor_tokens_;  // for queue_wait(); null: it uses tokens_
    Backoff backoff_;
};

/// This machine's own clock.
Instant machine_clock_now();

/// The ApiError kind of a failed exchange.
ApiError::Kind api_error_kind(HttpFailure::Kind kind);

bool is_redirection(int status);

}  // namespace glia
