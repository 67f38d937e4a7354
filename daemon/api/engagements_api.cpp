#include "daemon/api/engagements_api.hpp"

#include <algorithm>

#include "daemon/api/handover.hpp"
#include "daemon/api/http.hpp"
#include "daemon/api/proxy_choice.hpp"
#include "daemon/api/request_gate.hpp"
#include "daemon/api/retry_policy.hpp"
#include "daemon/api/server_clock.hpp"
#include "daemon/api/token_source.hpp"
#include "daemon/base/log.hpp"
#include "sinks/timestamp.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/base/version.hpp"
#include "daemon/parse/answers.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/error_text.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/transcript.hpp"

namespace glia {
namespace {

using Clock = std::chrono::steady_clock;

// Bytes that are not UTF-8 may be damage on the way: the same page is asked for once more before they are
// repaired.
constexpr int kUtf8Attempts = 2;
// Less is the loop's own pace, not the rate limit's.
constexpr std::chrono::milliseconds kWaited{1};

HttpSettings http_settings(const Settings& given) {
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

Instant system_now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// What this machine's clock showed at `moment`.
Instant system_time(Clock::time_point moment) {
    return system_now() - std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - moment);
}

ApiError::Kind kind_of(int status) {
    if (status == 401) return ApiError::Kind::credentials;
    if (status == 403) return ApiError::Kind::forbidden;
    if (status == 404 || status == 410) return ApiError::Kind::not_found;
    if (is_transient(status)) return ApiError::Kind::unavailable;
    return ApiError::Kind::refused;
}

ApiError::Kind kind_of(HttpFailure::Kind kind) {
    if (kind == HttpFailure::Kind::cancelled) return ApiError::Kind::cancelled;
    if (kind == HttpFailure::Kind::unsendable) return ApiError::Kind::refused;
    return ApiError::Kind::unavailable;
}

/// Pages go before details, and enrichment comes last; a token is what everything else waits for.
Priority priority_of(Route route) {
    switch (route) {
        case Route::engagement:
            return Priority::detail;
        case Route::transcript:
        case Route::recording:
        case Route::download:
            return Priority::enrichment;
        case Route::list:
        case Route::token:
        case Route::queue_wait:
        case Route::end:
        case Route::export_engagement:
            return Priority::page;
    }
    return Priority::page;
}

/// Reads a body into a value; none, with the reason, if it is no answer. `attempt` counts from 1.
template <typename T>
using Reader = std::function<std::optional<T>(HttpResponse&, int attempt, std::string& why)>;

}  // namespace

struct EngagementsApi::Impl {
    Impl(Scope& part, const Settings& given, Metrics& measured)
        : scope(part),
          runtime(part.runtime()),
          program(part.runtime()),
          metrics(measured),
          settings(given.api),
          base(*parse_url(given.api.base_url)),
          http_options(http_settings(given)),
          http(part.runtime(), http_options),
          gate(part, given.api.max_in_flight, given.api.rate_limit),
          clock(Clock::now(), system_now()),
          privacy(given.privacy.levels, read_privacy_key(given.privacy)),
          parser(privacy) {
        trusted.push_back(base.origin);
        for (const auto& origin : settings.trusted_origins) trusted.push_back(parse_url(origin)->origin);
        while (base.target.ends_with('/')) base.target.pop_back();
        tokens = make_token_source(part.runtime(), settings.auth, [this](std::string path, std::string body) {
            return mint(std::move(path), std::move(body));
        });
        const std::string& visitor = given.enrich.queue_wait_token_file;
        if (!visitor.empty())
            visitor_tokens = make_file_token(part.runtime(), visitor, "enrich.queue_wait.token_file");
        program.on_end([this] { cancel(); });
    }

    Scope& scope;
    Runtime& runtime;
    Scope program;  // ends with the program only
    Metrics& metrics;
    ApiSettings settings;
    Url base;
    HttpSettings http_options;
    HttpClient http;
    RequestGate gate;
    ServerClock clock;
    ClockNotice clock_notice;
    Privacy privacy;
    EngagementParser parser;
    std::vector<Origin> trusted;
    std::unique_ptr<TokenSource> tokens;
    std::unique_ptr<HttpClient> downloads;        // of temporary URLs, which are elsewhere; made when needed
    std::unique_ptr<TokenSource> visitor_tokens;  // for the queue's wait; null: those above do
    Backoff backoff;

    void cancel() {
        http.cancel();
        if (downloads) downloads->cancel();
    }

    Url url(const std::string& path) const { return {base.origin, base.target + path}; }
    /// Where links are resolved whose carrier is not known any more: the URL of the listing.
    Url listing() const { return url("/engagements"); }

    /// `link` as it is kept: it must mean the same when the URL of what carried it is forgotten. An absolute
    /// link stays byte for byte; one that cannot be resolved stays for the error that quotes it.
    static std::string self_contained(const Url& carrier, std::string link) {
        if (is_absolute(link)) return link;
        const auto resolved = resolve_link(carrier, link);
        return resolved ? to_text(*resolved) : link;
    }

    static std::string shown(const std::string& link) { return one_line(mask_url(link), 200); }

    /// What one attempt led to.
    struct Attempt {
        std::optional<HttpResponse> response;  ///< status 200, 201 or 204
        ApiError error;
        bool retry = false;
        bool done_nothing = false;         ///< the API has certainly not done what was asked
        bool clock_in_doubt = false;       ///< nobody knows by the response's Date when it was asked for
        std::optional<Milliseconds> wait;  ///< what the API asks for
        std::string token;
    };

    static std::string describe(const HttpRequest& request) {
        return request.method + " " + request.url.target.substr(0, request.url.target.find('?'));
    }

    static std::string without(std::string text, const std::string& secret) {
        for (std::size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
            text.replace(at, secret.size(), "********");
        }
        return text;
    }

    /// What the response's Date is worth; `used` where it has none.
    ServerClock::Verdict read_clock(const HttpResponse& response) {
        const auto date = parse_http_date(response.header("Date"));
        if (!date) return ServerClock::Verdict::used;
        const auto verdict = clock.observe(response.sent_at, response.received_at, *date);
        if (verdict == ServerClock::Verdict::used) {
            tell_offset(clock.at(Clock::now()) - system_now());
        } else {
            metrics.date_ignored();
            log::debug(LogTopic::api, "the Date of a response departs from the answers before it, not used",
                       {{"date", to_iso8601(*date)}, {"expected", to_iso8601(clock.at(Clock::now()))}});
        }
        return verdict;
    }

    void tell_offset(std::chrono::microseconds ahead) {
        const auto step = clock_notice.on_offset(ahead);
        const auto seconds = std::chrono::round<std::chrono::seconds>(ahead).count();
        if (step == ClockNotice::Step::differs) {
            log::warn(LogTopic::api,
                      "the clocks of the API and of this machine differ; correct the one that is wrong (NTP)",
                      {{"api_ahead_seconds", static_cast<std::int64_t>(seconds)}});
        } else if (step == ClockNotice::Step::agrees_again) {
            log::info(LogTopic::api, "the clocks of the API and of this machine agree again", {});
        }
    }

    void read_limits(const HttpResponse& response) {
        const auto now = Clock::now();
        if (const auto pause = rate_limit_pause(response.header("x-rate-limit-remaining"),
                                                response.header("x-rate-limit-reset"), clock.at(now))) {
            gate.limiter().remaining(now, 0, *pause);
        }
    }

    static bool is_redirection(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    Attempt judge(const HttpRequest& request, Route route, HttpOutcome outcome) {
        Attempt attempt;
        if (auto* failure = std::get_if<HttpFailure>(&outcome)) {
            attempt.error.kind = kind_of(failure->kind);
            attempt.error.message = describe(request) + ": " + failure->message;
            attempt.retry =
                failure->kind == HttpFailure::Kind::network || failure->kind == HttpFailure::Kind::response;
            attempt.done_nothing = !failure->sent;
            return attempt;
        }
        HttpResponse& response = std::get<HttpResponse>(outcome);
        attempt.clock_in_doubt = read_clock(response) == ServerClock::Verdict::doubtful;
        read_limits(response);
        const int status = response.status;
        const bool leads_on = route == Route::recording && is_redirection(status);
        if (status == 200 || status == 201 || status == 204 || leads_on) {
            gate.limiter().accepted(Clock::now());
            attempt.response = std::move(response);
            return attempt;
        }
        attempt.error.status = status;
        attempt.error.kind = kind_of(status);
        attempt.retry = is_transient(status);
        attempt.done_nothing = status < 500 || status == 503;
        if (attempt.retry) attempt.wait = retry_after(response.header("Retry-After"), clock.at(Clock::now()));
        if (status == 429) {
            gate.limiter().refused(Clock::now(), attempt.wait);
        }
        const std::string text = error_text(response.body);
        attempt.error.message = describe(request) + ": HTTP " + std::to_string(status);
        if (!text.empty()) attempt.error.message += ": " + text;
        if (status >= 300 && status < 400)
            attempt.error.message +=
                " (a redirection is not followed: the token stays with " + to_text(request.url.origin) + ")";
        if (const std::string id = one_line(response.header("x-request-id"), 64); !id.empty())
            attempt.error.message += " [request " + id + "]";
        return attempt;
    }

    Task<Attempt> send(HttpRequest request, Route route) {
        Attempt attempt;
        const auto came = Clock::now();
        if (!co_await gate.enter(priority_of(route))) {
            attempt.error = {ApiError::Kind::cancelled, 0, "stopped before asking"};
            co_return attempt;
        }
        const auto entered = Clock::now();
        if (entered - came >= kWaited) metrics.request_waited(entered - came);
        metrics.request_started();
        HttpOutcome outcome = co_await http.send(request);
        const auto* response = std::get_if<HttpResponse>(&outcome);
        metrics.request_ended(route, response ? response->status : 0, Clock::now() - entered);
        gate.leave();
        co_return judge(request, route, std::move(outcome));
    }

    TokenSource& tokens_for(Route route) {
        return route == Route::queue_wait && visitor_tokens ? *visitor_tokens : *tokens;
    }

    /// Sends until there is an answer, an error that stays, or no attempt left. What changes something at the
    /// source (PATCH, POST) is sent again only where the first time certainly did nothing.
    template <typename T>
    Task<Result<T>> perform(HttpRequest request, Route route, Reader<T> read) {
        const bool with_token = route != Route::token;
        const bool repeatable = request.method == "GET" || route == Route::token;
        TokenSource& source = tokens_for(route);
        bool token_renewed = false;
        int doubts = 0;
        for (int number_of_attempt = 1;; ++number_of_attempt) {
            HttpRequest now = request;
            now.headers.emplace_back("Accept", "application/vnd.salemove.v1+json");
            std::string token;
            if (with_token) {
                auto got = co_await source.get();
                if (!got) co_return got.error();
                token = got.value();
                now.headers.emplace_back("Authorization", "Bearer " + token);
            }
            Attempt attempt = co_await send(std::move(now), route);
            const bool in_doubt = attempt.response && attempt.clock_in_doubt && request.method == "GET";
            if (in_doubt && ++doubts <= kMostDoubts) {
                metrics.request_retried(route);
                --number_of_attempt;
                continue;
            }
            if (in_doubt) {
                attempt.error = {ApiError::Kind::unavailable, attempt.response->status,
                                 describe(request) +
                                     ": the Date headers of the answers contradict each other and this "
                                     "machine's clock; correct the clock that is wrong (NTP)"};
                attempt.retry = true;
            } else if (attempt.response) {
                std::string why;
                auto value = read(*attempt.response, number_of_attempt, why);
                if (value) co_return std::move(*value);
                attempt.error = {ApiError::Kind::unavailable, attempt.response->status,
                                 describe(request) + ": " + why};
                attempt.retry = true;
                attempt.done_nothing = false;
            }
            attempt.error.message = without(attempt.error.message, token);
            if (attempt.error.kind == ApiError::Kind::credentials && with_token && !token_renewed) {
                token_renewed =
                    true;  // once: a token minted for this request and refused too is not to be had
                if (co_await source.refused(token)) continue;
            }
            if (attempt.error.kind == ApiError::Kind::credentials) {
                attempt.error.message +=
                    &source == tokens.get()
                        ? "; the token is not accepted: renew it (api.auth)"
                        : "; the token is not accepted: renew it (enrich.queue_wait.token_file)";
            }
            if (!repeatable && !attempt.done_nothing) {
                attempt.error.message += "; it may have been done all the same";
                co_return std::move(attempt.error);
            }
            const int failed = number_of_attempt;
            if (!attempt.retry || failed > settings.max_retries) {
                if (failed > 1 && attempt.retry)
                    attempt.error.message += " (after " + std::to_string(failed) + " attempts)";
                co_return std::move(attempt.error);
            }
            metrics.request_retried(route);
            const Milliseconds wait = attempt.wait.value_or(backoff.delay(failed, runtime.random()));
            log::warn(LogTopic::api, "request failed, will be tried again",
                      {{"attempt", std::to_string(failed) + "/" + std::to_string(settings.max_retries + 1)},
                       {"next", to_text(wait)},
                       {"error", attempt.error.message}});
            if (!co_await scope.sleep(wait))
                co_return ApiError{ApiError::Kind::cancelled, 0, "stopped while waiting to ask again"};
        }
    }

    Task<Result<std::string>> mint(std::string path, std::string body) {
        HttpRequest request;
        request.method = "POST";
        request.url = url(path);
        request.body = std::move(body);
        request.headers.emplace_back("Content-Type", "application/json");
        Reader<std::string> read = [](HttpResponse& response, int, std::string&) {
            return std::optional<std::string>(std::move(response.body));
        };
        co_return co_await perform<std::string>(std::move(request), Route::token, std::move(read));
    }

    /// A body as `parse` reads it; broken UTF-8 is repaired when it comes again.
    template <typename T, typename Parse>
    std::optional<T> read_body(HttpResponse& response, int attempt, std::string& why, Parse parse) {
        if (response.status == 204) {
            why = "HTTP 204, an answer without content";
            return std::nullopt;
        }
        Parsed<T> parsed = parse(response.body);
        if (!parsed.value && parsed.failure.kind == ParseFailure::Kind::invalid_utf8 &&
            attempt >= std::min(kUtf8Attempts, settings.max_retries + 1)) {
            log::warn(LogTopic::api, "the response holds bytes that are not UTF-8; each becomes U+FFFD",
                      {{"attempt", std::to_string(attempt)}});
            response.body = repair_utf8(response.body);
            parsed = parse(response.body);
        }
        if (!parsed.value) {
            why = parsed.failure.reason;
            const std::string text = error_text(response.body);
            // It may be a part of a page.
            if (!text.empty() && privacy.keep_all()) why += " (" + text.substr(0, 80) + ")";
        }
        return std::move(parsed.value);
    }

    Task<Result<FetchedPage>> fetch_page(Url target) {
        HttpRequest request;
        request.url = target;
        Reader<FetchedPage> read = [this, target](HttpResponse& response, int attempt,
                                                  std::string& why) -> std::optional<FetchedPage> {
            auto page = read_body<ParsedPage>(response, attempt, why,
                                              [this](std::string& body) { return parser.page(body); });
            if (!page) return std::nullopt;
            if (page->next_page) page->next_page = self_contained(target, *std::move(page->next_page));
            return FetchedPage{std::move(*page),
                               clock.at(response.sent_at),
                               clock.not_after(response.sent_at),
                               system_time(response.sent_at),
                               response.sent_at,
                               attempt};
        };
        co_return co_await perform<FetchedPage>(std::move(request), Route::list, std::move(read));
    }
};

EngagementsApi::EngagementsApi(Scope& scope, const Settings& settings, Metrics& metrics)
    : impl_(std::make_unique<Impl>(scope, settings, metrics)) {}
EngagementsApi::~EngagementsApi() = default;

const Privacy& EngagementsApi::privacy() const {
    return impl_->privacy;
}
double EngagementsApi::rate_limit() const {
    return impl_->gate.limiter().rate();
}
OptionalInstant EngagementsApi::token_expires_at() const {
    const auto ends = impl_->tokens->ends_at();
    if (!ends) return std::nullopt;
    return system_now() + std::chrono::duration_cast<std::chrono::microseconds>(*ends - Clock::now());
}
Instant EngagementsApi::server_now() const {
    return impl_->clock.at(Clock::now());
}
Instant EngagementsApi::machine_now() {
    return system_now();
}
void EngagementsApi::guess_clock(std::chrono::microseconds ahead_of_system) {
    if (impl_->clock.known()) return;
    impl_->clock = ServerClock(Clock::now(), system_now(), ahead_of_system);
}
std::optional<std::chrono::microseconds> EngagementsApi::clock_ahead_of_system() const {
    if (!impl_->clock.known()) return std::nullopt;
    return impl_->clock.at(Clock::now()) - system_now();
}
void EngagementsApi::cancel() {
    impl_->cancel();
}
void EngagementsApi::take_over(EngagementsApi& before) {
    Impl& old = *before.impl_;
    const Handover kept = handover_of(old.settings, impl_->settings);
    if (kept.rate_limit) impl_->gate.limiter() = old.gate.limiter();
    if (kept.token) impl_->tokens->restore(old.tokens->minted());
    if (kept.connections) impl_->http.take_idle(old.http);
}

Task<Result<FetchedPage>> EngagementsApi::list(ListQuery query) {
    std::string target = "/engagements?site_ids[]=" + percent_encode(query.site_id);
    for (const auto& id : impl_->settings.operator_ids) target += "&operator_ids[]=" + percent_encode(id);
    target += "&start_date=" + percent_encode(to_iso8601(query.start));
    if (query.end) target += "&end_date=" + percent_encode(to_iso8601(*query.end));
    target += "&per_page=" + std::to_string(query.per_page > 0 ? query.per_page : impl_->settings.per_page);
    target += "&order=asc";
    co_return co_await impl_->fetch_page(impl_->url(target));
}

Task<Result<FetchedPage>> EngagementsApi::follow(std::string link) {
    const auto url = resolve_link(impl_->listing(), link);
    if (!url) {
        co_return ApiError{ApiError::Kind::untrusted_link, 0,
                           "next_page is not a link that can be followed: " + Impl::shown(link)};
    }
    if (std::find(impl_->trusted.begin(), impl_->trusted.end(), url->origin) == impl_->trusted.end()) {
        co_return ApiError{ApiError::Kind::untrusted_link, 0,
                           "next_page names " + to_text(url->origin) +
                               ", which may not see the token; if it is the API's, add \"" +
                               to_text(url->origin) + "\" to api.trusted_origins"};
    }
    co_return co_await impl_->fetch_page(*url);
}

Task<Result<FetchedDetail>> EngagementsApi::get(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->url("/engagements/" + percent_encode(engagement_id));
    Reader<FetchedDetail> read = [this, engagement_id](HttpResponse& response, int attempt,
                                                       std::string& why) -> std::optional<FetchedDetail> {
        auto detail = impl_->read_body<ParsedDetail>(
            response, attempt, why, [this](std::string& body) { return impl_->parser.detail(body); });
        if (!detail) return std::nullopt;
        if (detail->engagement && detail->engagement->id != engagement_id) {
            why = "the answer is about another engagement";
            return std::nullopt;
        }
        return FetchedDetail{std::move(*detail), impl_->clock.at(response.sent_at),
                             system_time(response.sent_at), response.sent_at};
    };
    co_return co_await impl_->perform<FetchedDetail>(std::move(request), Route::engagement, std::move(read));
}

Task<Result<std::string>> EngagementsApi::get_json(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->url("/engagements/" + percent_encode(engagement_id));
    Reader<std::string> read = [this](HttpResponse& response, int attempt,
                                      std::string& why) -> std::optional<std::string> {
        const auto parse = [this](std::string& body) {
            Parsed<std::string> parsed;
            const auto text = canonical_json(body, parsed.failure.reason);
            if (text && text->starts_with('{')) {
                const bool whole = impl_->privacy.keep_all();
                parsed.value = whole ? repair_json(json_document(body)) : impl_->privacy.apply_to_json(body);
            } else if (text) {
                parsed.failure.reason = "the body is not an object";
            }
            return parsed;
        };
        return impl_->read_body<std::string>(response, attempt, why, parse);
    };
    co_return co_await impl_->perform<std::string>(std::move(request), Route::engagement, std::move(read));
}

Task<Result<EndAnswer>> EngagementsApi::end(std::string engagement_id, bool because_of_error) {
    HttpRequest request;
    request.method = "PATCH";
    request.url = impl_->url("/engagements/" + percent_encode(engagement_id));
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = because_of_error ? R"({"action":"end","reason":"error"})" : R"({"action":"end"})";
    Reader<EndAnswer> read = [](HttpResponse& response, int, std::string& why) {
        auto answer = parse_end_answer(response.body);
        if (!answer) why = "the answer is not as documented";
        return answer;
    };
    co_return co_await impl_->perform<EndAnswer>(std::move(request), Route::end, std::move(read));
}

Task<Result<bool>> EngagementsApi::export_engagement(std::string engagement_id) {
    HttpRequest request;
    request.method = "POST";
    request.url = impl_->url("/engagements/" + percent_encode(engagement_id) + "/export");
    request.headers.emplace_back("Content-Type", "application/json");
    Reader<bool> read = [](HttpResponse& response, int, std::string& why) {
        const auto answer = parse_export_answer(response.body);
        if (!answer) why = "the answer is not as documented";
        return answer;
    };
    co_return co_await impl_->perform<bool>(std::move(request), Route::export_engagement, std::move(read));
}

Task<Result<OptionalSeconds>> EngagementsApi::queue_wait() {
    HttpRequest request;
    request.url = impl_->url("/engagements/queue/wait_duration");
    Reader<OptionalSeconds> read = [](HttpResponse& response, int, std::string& why) {
        auto answer = parse_wait_answer(response.body);
        if (!answer) why = "the answer is not as documented";
        return answer;
    };
    co_return co_await impl_->perform<OptionalSeconds>(std::move(request), Route::queue_wait,
                                                       std::move(read));
}

Task<Result<FetchedTranscript>> EngagementsApi::transcript(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->url("/engagements/" + percent_encode(engagement_id) + "/chat_transcript");
    Reader<FetchedTranscript> read = [this](HttpResponse& response, int attempt,
                                            std::string& why) -> std::optional<FetchedTranscript> {
        if (response.status == 204) return FetchedTranscript{{}, impl_->clock.at(response.sent_at)};
        auto messages = impl_->read_body<std::vector<ChatMessage>>(
            response, attempt, why,
            [this](std::string& body) { return parse_transcript(body, impl_->privacy); });
        if (!messages) return std::nullopt;
        return FetchedTranscript{std::move(*messages), impl_->clock.at(response.sent_at)};
    };
    co_return co_await impl_->perform<FetchedTranscript>(std::move(request), Route::transcript,
                                                         std::move(read));
}

Task<Result<FetchedRecording>> EngagementsApi::recording(std::string url) {
    const auto named = resolve_link(impl_->listing(), url);
    if (!named)
        co_return ApiError{ApiError::Kind::refused, 0,
                           "the recording's URL cannot be followed: " + Impl::shown(url)};
    HttpRequest request;
    request.url = *named;
    const auto& trusted = impl_->trusted;
    if (std::find(trusted.begin(), trusted.end(), named->origin) == trusted.end())
        request.url = impl_->url(named->target);
    Reader<FetchedRecording> read = [this, asked = request.url](
                                        HttpResponse& response, int,
                                        std::string& why) -> std::optional<FetchedRecording> {
        FetchedRecording found{{}, impl_->clock.at(response.sent_at)};
        if (response.status == 204) return found;
        if (response.status >= 300) {
            found.url = response.header("Location");
        } else if (auto answer = parse_recording_answer(response.body)) {
            found.url = std::move(*answer);
        }
        if (!found.url.empty()) {
            found.url = Impl::self_contained(asked, std::move(found.url));
            return found;
        }
        why = "the answer names no URL of the recording";
        return std::nullopt;
    };
    co_return co_await impl_->perform<FetchedRecording>(std::move(request), Route::recording,
                                                        std::move(read));
}

Task<Result<HttpResponse>> EngagementsApi::download(std::string url, std::uint64_t from, std::string if_range,
                                                    BodyReceiver receiver) {
    constexpr int kMostRedirections = 5;
    if (!impl_->downloads) {
        HttpSettings settings = impl_->http_options;
        settings.system_ca_too = true;
        impl_->downloads = std::make_unique<HttpClient>(impl_->runtime, std::move(settings));
    }
    std::optional<Url> target = parse_url(url);
    for (int hop = 0; hop <= kMostRedirections; ++hop) {
        if (!target) co_return ApiError{ApiError::Kind::refused, 0, "the recording's temporary URL is none"};
        const std::string where = to_text(target->origin);
        if (target->origin.scheme != "https" && !is_loopback(target->origin) &&
            !impl_->settings.allow_insecure) {
            co_return ApiError{ApiError::Kind::refused, 0,
                               "the recording would come from " + where +
                                   ", which is not encrypted; api.allow_insecure would allow it"};
        }
        HttpRequest request;
        request.url = *target;
        if (from > 0) {
            request.headers.emplace_back("Range", "bytes=" + std::to_string(from) + "-");
            request.headers.emplace_back("If-Range", if_range);
        }
        impl_->metrics.request_started();
        const auto began = Clock::now();
        HttpOutcome outcome = co_await impl_->downloads->receive(request, receiver);
        auto* response = std::get_if<HttpResponse>(&outcome);
        impl_->metrics.request_ended(Route::download, response ? response->status : 0, Clock::now() - began);
        if (!response) {
            const HttpFailure& failure = std::get<HttpFailure>(outcome);
            co_return ApiError{kind_of(failure.kind), 0, "downloading a recording: " + failure.message};
        }
        if (!Impl::is_redirection(response->status)) co_return std::move(*response);
        target = resolve_link(*target, response->header("Location"));
    }
    co_return ApiError{ApiError::Kind::refused, 0, "the recording's temporary URL is redirected for ever"};
}

}  // namespace glia
