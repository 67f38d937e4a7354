#include "daemon/api/request_sender.hpp"

#include "daemon/api/handover.hpp"
#include "daemon/api/proxy_choice.hpp"
#include "daemon/base/environment.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/parse/error_text.hpp"
#include "sinks/durations.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

using Clock = std::chrono::steady_clock;

// Shorter waits come from the event loop, not from the rate limit, and are not counted.
constexpr Milliseconds kMinCountedWait{1};

HttpSettings http_settings_of(const Settings& given) {
    const ApiSettings& api = given.api;
    HttpSettings settings;
    settings.connect_timeout = api.connect_timeout;
    settings.request_timeout = api.request_timeout;
    settings.ca_file = api.ca_file;
    settings.max_idle = static_cast<std::size_t>(api.max_in_flight);
    settings.spare = EngagementParser::kSpare;
    settings.user_agent = std::string("glia-sync/") + kVersion;
    ProxyChoice choice = choose_proxy(api, given.enrich.recordings, process_environment);
    settings.proxy = std::move(choice.proxy);
    settings.no_proxy = std::move(choice.no_proxy);
    return settings;
}

ApiError::Kind kind_of(int status) {
    if (status == 401) return ApiError::Kind::credentials;
    if (status == 403) return ApiError::Kind::forbidden;
    if (status == 404 || status == 410) return ApiError::Kind::not_found;
    if (is_transient(status)) return ApiError::Kind::unavailable;
    return ApiError::Kind::refused;
}

/// A token request has the priority of pages, because every other request waits for it.
Priority priority_of(Route route) {
    switch (route) {
        case Route::engagement:
            return Priority::detail;
        case Route::transcript:
        case Route::recording:
        case Route::download:
        case Route::directory:
        case Route::statistics:
            return Priority::enrichment;
        case Route::list:
        case Route::token:
        case Route::queue_wait:
        case Route::end_engagement:
        case Route::export_engagement:
            return Priority::page;
    }
    return Priority::page;
}

std::string describe(const HttpRequest& request) {
    return request.method + " " + request.url.target.substr(0, request.url.target.find('?'));
}

std::string without(std::string text, const std::string& secret) {
    for (std::size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
        text.replace(at, secret.size(), "********");
    }
    return text;
}

/// `api.base_url`, to which paths are appended.
Url base_of(const std::string& base_url) {
    Url base = *parse_url(base_url);
    while (base.target.ends_with('/')) base.target.pop_back();
    return base;
}

}  // namespace

Instant machine_clock_now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

ApiError::Kind api_error_kind(HttpFailure::Kind kind) {
    if (kind == HttpFailure::Kind::cancelled) return ApiError::Kind::cancelled;
    if (kind == HttpFailure::Kind::unsendable) return ApiError::Kind::refused;
    return ApiError::Kind::unavailable;
}

bool is_redirection(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// The result of one attempt.
struct RequestSender::Attempt {
    std::optional<HttpResponse> response;  ///< with a status that Accept handles
    ApiError error;
    bool retry = false;
    bool not_executed = false;         ///< the API has certainly not carried out the request
    bool clock_in_doubt = false;       ///< the response's Date cannot be trusted, so its time is unknown
    std::optional<Milliseconds> wait;  ///< the pause that the API asks for
};

RequestSender::RequestSender(CancellationScope& scope, const Settings& settings, Metrics& metrics)
    : scope_(scope),
      runtime_(scope.runtime()),
      metrics_(metrics),
      settings_(settings.api),
      base_(base_of(settings.api.base_url)),
      http_settings_(http_settings_of(settings)),
      http_(scope.runtime(), http_settings_),
      gate_(scope, settings.api.max_in_flight, settings.api.rate_limit),
      clock_(Clock::now(), machine_clock_now()) {
    tokens_ = make_token_source(runtime_, settings_.auth, [this](std::string path, std::string body) {
        return mint(std::move(path), std::move(body));
    });
    const std::string& visitor = settings.enrich.queue_wait_token_file;
    if (!visitor.empty())
        visitor_tokens_ = make_file_token(runtime_, visitor, "enrich.queue_wait.token_file");
}

/// Passes the response's Date to the server clock and returns the verdict; `used` if there is no Date.
ServerClock::Verdict RequestSender::read_clock(const HttpResponse& response) {
    const auto date = parse_http_date(response.header("Date"));
    if (!date) return ServerClock::Verdict::used;
    const auto verdict = clock_.observe(response.sent_at, response.received_at, *date);
    if (verdict == ServerClock::Verdict::used) {
        log_offset(clock_.at(Clock::now()) - machine_clock_now());
    } else {
        metrics_.date_ignored();
        log::debug(LogTopic::api, "the Date of a response differs from the expected time and is not used",
                   {{"date", to_iso8601(*date)}, {"expected", to_iso8601(clock_.at(Clock::now()))}});
    }
    return verdict;
}

void RequestSender::log_offset(std::chrono::microseconds ahead) {
    const auto step = clock_notice_.on_offset(ahead);
    const auto seconds = std::chrono::round<Seconds>(ahead).count();
    if (step == ClockNotice::Step::differs) {
        log::warn(LogTopic::api,
                  "the clocks of the API and of this machine differ; correct the one that is wrong (NTP)",
                  {{"api_ahead_seconds", static_cast<std::int64_t>(seconds)}});
    } else if (step == ClockNotice::Step::agrees_again) {
        log::info(LogTopic::api, "the clocks of the API and of this machine agree again", {});
    }
}

void RequestSender::read_limits(const HttpResponse& response) {
    const auto now = Clock::now();
    if (const auto pause = rate_limit_pause(response.header("x-rate-limit-remaining"),
                                            response.header("x-rate-limit-reset"), clock_.at(now))) {
        gate_.limiter().remaining(now, 0, *pause);
    }
}

RequestSender::Attempt RequestSender::judge(const HttpRequest& request, Route route, HttpOutcome outcome) {
    Attempt attempt;
    if (auto* failure = std::get_if<HttpFailure>(&outcome)) {
        attempt.error.kind = api_error_kind(failure->kind);
        attempt.error.message = describe(request) + ": " + failure->message;
        attempt.retry =
            failure->kind == HttpFailure::Kind::network || failure->kind == HttpFailure::Kind::response;
        attempt.not_executed = !failure->sent;
        return attempt;
    }
    HttpResponse& response = std::get<HttpResponse>(outcome);
    attempt.clock_in_doubt = read_clock(response) == ServerClock::Verdict::doubtful;
    read_limits(response);
    const int status = response.status;
    const bool is_expected_redirect = route == Route::recording && is_redirection(status);
    if (status == 200 || status == 201 || status == 204 || is_expected_redirect) {
        gate_.limiter().accepted(Clock::now());
        attempt.response = std::move(response);
        return attempt;
    }
    attempt.error.status = status;
    attempt.error.kind = kind_of(status);
    attempt.retry = is_transient(status);
    attempt.not_executed = status < 500 || status == 503;
    if (attempt.retry) attempt.wait = retry_after(response.header("Retry-After"), clock_.at(Clock::now()));
    if (status == 429) {
        gate_.limiter().refused(Clock::now(), attempt.wait);
    }
    const std::string text = error_text(response.body);
    attempt.error.message = describe(request) + ": HTTP " + std::to_string(status);
    if (!text.empty()) attempt.error.message += ": " + text;
    if (status >= 300 && status < 400)
        attempt.error.message +=
            " (redirects are not followed: the token is for " + to_text(request.url.origin) + " only)";
    if (const std::string id = one_line(response.header("x-request-id"), 64); !id.empty())
        attempt.error.message += " [request " + id + "]";
    return attempt;
}

Task<RequestSender::Attempt> RequestSender::send_once(HttpRequest request, Route route) {
    Attempt attempt;
    const auto queued_at = Clock::now();
    if (!co_await gate_.enter(priority_of(route))) {
        attempt.error = {ApiError::Kind::cancelled, 0, "stopped before the request was sent"};
        co_return attempt;
    }
    const auto entered = Clock::now();
    if (entered - queued_at >= kMinCountedWait) metrics_.request_waited(entered - queued_at);
    metrics_.request_started();
    HttpOutcome outcome = co_await http_.send(request);
    const auto* response = std::get_if<HttpResponse>(&outcome);
    metrics_.request_ended(route, response ? response->status : 0, Clock::now() - entered);
    gate_.leave();
    co_return judge(request, route, std::move(outcome));
}

Task<std::optional<ApiError>> RequestSender::send_with_retries(HttpRequest request, Route route,
                                                               Accept accept) {
    const bool with_token = route != Route::token;
    const bool reads =
        request.method == "GET" || route == Route::statistics;  // the statistics POST only reads
    const bool repeatable = reads || route == Route::token;
    TokenSource& source = route == Route::queue_wait && visitor_tokens_ ? *visitor_tokens_ : *tokens_;
    bool token_renewed = false;
    int doubts = 0;
    for (int attempt_number = 1;; ++attempt_number) {
        HttpRequest now = request;
        now.headers.emplace_back("Accept", "application/vnd.salemove.v1+json");
        std::string token;
        if (with_token) {
            auto got = co_await source.get();
            if (!got) co_return got.error();
            token = got.value();
            now.headers.emplace_back("Authorization", "Bearer " + token);
        }
        Attempt attempt = co_await send_once(std::move(now), route);
        const bool in_doubt = attempt.response && attempt.clock_in_doubt && reads;
        if (in_doubt && ++doubts <= kMaxDoubtfulRepeats) {
            metrics_.request_retried(route);
            --attempt_number;
            continue;
        }
        if (in_doubt) {
            attempt.error = {ApiError::Kind::unavailable, attempt.response->status,
                             describe(request) +
                                 ": the Date headers of the responses contradict each other and this "
                                 "machine's clock; correct the clock that is wrong (NTP)"};
            attempt.retry = true;
        } else if (attempt.response) {
            std::string why;
            if (accept(*attempt.response, attempt_number, why)) co_return std::nullopt;
            attempt.error = {ApiError::Kind::unavailable, attempt.response->status,
                             describe(request) + ": " + why};
            attempt.retry = true;
            attempt.not_executed = false;
        }
        attempt.error.message = without(attempt.error.message, token);
        if (attempt.error.kind == ApiError::Kind::credentials && with_token && !token_renewed) {
            token_renewed = true;  // once only: if the API refuses the new token too, another will not help
            if (co_await source.refused(token)) continue;
        }
        if (attempt.error.kind == ApiError::Kind::credentials) {
            attempt.error.message +=
                &source == tokens_.get()
                    ? "; the token is not accepted: renew it (api.auth)"
                    : "; the token is not accepted: renew it (enrich.queue_wait.token_file)";
        }
        if (!repeatable && !attempt.not_executed) {
            attempt.error.message += "; the API may have carried it out nevertheless";
            co_return std::move(attempt.error);
        }
        const int failed = attempt_number;
        if (!attempt.retry || failed > settings_.max_retries) {
            if (failed > 1 && attempt.retry)
                attempt.error.message += " (after " + std::to_string(failed) + " attempts)";
            co_return std::move(attempt.error);
        }
        metrics_.request_retried(route);
        const Milliseconds wait = attempt.wait.value_or(backoff_.delay(failed, runtime_.random()));
        log::warn(LogTopic::api, "request failed, will be tried again",
                  {{"attempt", std::to_string(failed) + "/" + std::to_string(settings_.max_retries + 1)},
                   {"next", to_text(wait)},
                   {"error", attempt.error.message}});
        if (!co_await scope_.sleep(wait))
            co_return ApiError{ApiError::Kind::cancelled, 0, "stopped while waiting to ask again"};
    }
}

Task<Result<std::string>> RequestSender::mint(std::string path, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.url = url(path);
    request.body = std::move(body);
    request.headers.emplace_back("Content-Type", "application/json");
    std::string response_body;
    Accept accept = [&response_body](HttpResponse& response, int, std::string&) {
        response_body = std::move(response.body);
        return true;
    };
    auto failed = co_await send_with_retries(std::move(request), Route::token, std::move(accept));
    if (failed) co_return std::move(*failed);
    co_return response_body;
}

AskedAt RequestSender::asked_at(const HttpResponse& response) const {
    const auto ago = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - response.sent_at);
    return {clock_.at(response.sent_at), machine_clock_now() - ago, response.sent_at};
}

OptionalInstant RequestSender::token_expires_at() const {
    const auto ends = tokens_->ends_at();
    if (!ends) return std::nullopt;
    return machine_clock_now() + std::chrono::duration_cast<std::chrono::microseconds>(*ends - Clock::now());
}

Instant RequestSender::server_now() const {
    return clock_.at(Clock::now());
}

void RequestSender::set_clock_offset(std::chrono::microseconds ahead_of_machine) {
    if (clock_.known()) return;
    clock_ = ServerClock(Clock::now(), machine_clock_now(), ahead_of_machine);
}

std::optional<std::chrono::microseconds> RequestSender::clock_ahead_of_machine() const {
    if (!clock_.known()) return std::nullopt;
    return server_now() - machine_clock_now();
}

void RequestSender::inherit(RequestSender& before) {
    const Handover kept = handover_of(before.settings_, settings_);
    if (kept.rate_limit) gate_.limiter() = before.gate_.limiter();
    if (kept.token) tokens_->restore(before.tokens_->minted());
    if (kept.connections) http_.take_idle(before.http_);
}

}  // namespace glia
