#include "daemon/api/engagements_api.hpp"

#include <algorithm>

#include "daemon/api/download_client.hpp"
#include "daemon/api/request_sender.hpp"
#include "daemon/api/statistics_query.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/error_text.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/small_responses.hpp"
#include "daemon/parse/transcript.hpp"

namespace glia {
namespace {

// Invalid UTF-8 may be damage in transit: the page is requested once more before it is repaired.
constexpr int kUtf8Attempts = 2;
/// Parses a body into a value. Returns none, with the reason in `why`, if it cannot. `attempt` counts from 1.
template <typename T>
using Reader = std::function<std::optional<T>(HttpResponse&, int attempt, std::string& why)>;

/// Sets when a page or a detail was requested.
template <typename Fetched>
void stamp(Fetched& fetched, const AskedAt& asked) {
    fetched.fetched_at = asked.server;
    fetched.machine_time = asked.machine;
    fetched.sent_at = asked.sent;
}

}  // namespace

struct EngagementsApi::Impl {
    Impl(CancellationScope& scope, const Settings& settings, Metrics& measured)
        : runtime(scope.runtime()),
          program(scope.runtime()),
          metrics(measured),
          sender(scope, settings, measured),
          privacy(settings.privacy.levels, read_privacy_key(settings.privacy)),
          parser(privacy) {
        trusted.push_back(sender.url("").origin);
        for (const auto& origin : settings.api.trusted_origins) trusted.push_back(parse_url(origin)->origin);
        program.on_cancel([this] { cancel(); });
    }

    Runtime& runtime;
    CancellationScope program;  // cancelled only when the program stops
    Metrics& metrics;
    RequestSender sender;
    Privacy privacy;
    EngagementParser parser;
    std::vector<Origin> trusted;
    std::unique_ptr<DownloadClient> downloads;  // made when needed

    void cancel() {
        sender.cancel();
        if (downloads) downloads->cancel();
    }

    bool is_trusted(const Origin& origin) const {
        return std::find(trusted.begin(), trusted.end(), origin) != trusted.end();
    }

    /// The URL of the listing: the base of a stored relative link whose page is no longer known.
    Url listing() const { return sender.url("/engagements"); }

    /// Makes `link` absolute, so that it can be stored without the URL of its page. An absolute link stays
    /// byte for byte. A link that cannot be resolved stays unchanged, for the error that quotes it.
    static std::string self_contained(const Url& carrier, std::string link) {
        if (is_absolute(link)) return link;
        const auto resolved = resolve_link(carrier, link);
        return resolved ? to_text(*resolved) : link;
    }

    static std::string shown(const std::string& link) { return one_line(mask_url(link), 200); }

    /// Resolves a link. Fails if its origin must not see the token.
    Result<Url> trusted_link(const std::string& link) const {
        const auto url = resolve_link(listing(), link);
        if (!url)
            return ApiError{ApiError::Kind::untrusted_link, 0,
                            "next_page is not a link that can be followed: " + shown(link)};
        if (!is_trusted(url->origin))
            return ApiError{ApiError::Kind::untrusted_link, 0,
                            "next_page names " + to_text(url->origin) +
                                ", which may not see the token; if it is the API's, add \"" +
                                to_text(url->origin) + "\" to api.trusted_origins"};
        return *url;
    }

    /// Sends with retries until `read` can parse the response.
    template <typename T>
    Task<Result<T>> ask(HttpRequest request, Route route, Reader<T> read) {
        std::optional<T> value;
        RequestSender::Accept accept = [&](HttpResponse& response, int attempt, std::string& why) {
            value = read(response, attempt, why);
            return value.has_value();
        };
        auto failed = co_await sender.send_with_retries(std::move(request), route, std::move(accept));
        if (failed) co_return std::move(*failed);
        co_return std::move(*value);
    }

    template <typename T, typename Parse>
    std::optional<T> read_body(HttpResponse& response, int attempt, std::string& why, Parse parse) {
        return read_body<T>(response, attempt, why, std::move(parse), privacy.keep_all());
    }
    /// Parses a body with `parse`. Repairs invalid UTF-8 from the second attempt on, or at once if there is
    /// only one. `quote_body`: the error may quote the start of the body.
    template <typename T, typename Parse>
    std::optional<T> read_body(HttpResponse& response, int attempt, std::string& why, Parse parse,
                               bool quote_body) {
        if (response.status == 204) {
            why = "HTTP 204, an answer without content";
            return std::nullopt;
        }
        Parsed<T> parsed = parse(response.body);
        if (!parsed.value && parsed.failure.kind == ParseFailure::Kind::invalid_utf8 &&
            attempt >= std::min(kUtf8Attempts, sender.settings().max_retries + 1)) {
            log::warn(LogTopic::api, "the response holds bytes that are not UTF-8; each becomes U+FFFD",
                      {{"attempt", std::to_string(attempt)}});
            response.body = repair_utf8(response.body);
            parsed = parse(response.body);
        }
        if (!parsed.value) {
            why = parsed.failure.reason;
            const std::string text = error_text(response.body);
            // The text may hold personal data: it may be part of a page of engagements.
            if (!text.empty() && quote_body) why += " (" + text.substr(0, 80) + ")";
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
            FetchedPage fetched;
            fetched.page = std::move(*page);
            fetched.not_before = sender.not_before(response);
            fetched.attempts = attempt;
            stamp(fetched, sender.asked_at(response));
            return fetched;
        };
        co_return co_await ask<FetchedPage>(std::move(request), Route::list, std::move(read));
    }

    Task<Result<FetchedListing>> fetch_listing(Stream stream, Url target) {
        HttpRequest request;
        request.url = target;
        Reader<FetchedListing> read = [this, target, stream](
                                          HttpResponse& response, int attempt,
                                          std::string& why) -> std::optional<FetchedListing> {
            const auto parse = [&](std::string& body) { return parse_directory(stream, body, privacy); };
            auto page = read_body<DirectoryPage>(response, attempt, why, parse, false);
            if (!page) return std::nullopt;
            if (page->next_page) page->next_page = self_contained(target, *std::move(page->next_page));
            return FetchedListing{std::move(*page), sender.asked_at(response).server, attempt};
        };
        co_return co_await ask<FetchedListing>(std::move(request), Route::directory, std::move(read));
    }
};

EngagementsApi::EngagementsApi(CancellationScope& scope, const Settings& settings, Metrics& metrics)
    : impl_(std::make_unique<Impl>(scope, settings, metrics)) {}
EngagementsApi::~EngagementsApi() = default;

const Privacy& EngagementsApi::privacy() const {
    return impl_->privacy;
}
double EngagementsApi::rate_limit() const {
    return impl_->sender.rate_limit();
}
OptionalInstant EngagementsApi::token_expires_at() const {
    return impl_->sender.token_expires_at();
}
Instant EngagementsApi::server_now() const {
    return impl_->sender.server_now();
}
Instant EngagementsApi::machine_now() {
    return machine_clock_now();
}
void EngagementsApi::set_clock_offset(std::chrono::microseconds ahead_of_machine) {
    impl_->sender.set_clock_offset(ahead_of_machine);
}
std::optional<std::chrono::microseconds> EngagementsApi::clock_ahead_of_machine() const {
    return impl_->sender.clock_ahead_of_machine();
}
void EngagementsApi::inherit(EngagementsApi& before) {
    impl_->sender.inherit(before.impl_->sender);
}

Task<Result<FetchedPage>> EngagementsApi::list(ListQuery query) {
    std::string target = "/engagements?site_ids[]=" + percent_encode(query.site_id);
    for (const auto& id : impl_->sender.settings().operator_ids)
        target += "&operator_ids[]=" + percent_encode(id);
    target += "&start_date=" + percent_encode(to_iso8601(query.start));
    if (query.end) target += "&end_date=" + percent_encode(to_iso8601(*query.end));
    target += "&per_page=" +
              std::to_string(query.per_page > 0 ? query.per_page : impl_->sender.settings().per_page);
    target += "&order=asc";
    co_return co_await impl_->fetch_page(impl_->sender.url(target));
}

Task<Result<FetchedPage>> EngagementsApi::follow(std::string link) {
    auto url = impl_->trusted_link(link);
    if (!url) co_return std::move(url.error());
    co_return co_await impl_->fetch_page(url.value());
}

Task<Result<FetchedListing>> EngagementsApi::listing(Stream stream, std::string site_id) {
    // The page size that Glia's own client uses. A server that returns smaller pages is fine.
    static const std::string kPage = "&page=1&per_page=1000";
    const std::string site = percent_encode(site_id);
    std::string target = "/sites/" + site;
    if (stream == Stream::operators)
        target = "/operators?site_ids[]=" + site + "&include_disabled=true" + kPage;
    if (stream == Stream::queues) target = "/queues?site_ids[]=" + site + kPage;
    co_return co_await impl_->fetch_listing(stream, impl_->sender.url(target));
}

Task<Result<FetchedListing>> EngagementsApi::follow_listing(Stream stream, std::string link) {
    auto url = impl_->trusted_link(link);
    if (!url) co_return std::move(url.error());
    co_return co_await impl_->fetch_listing(stream, url.value());
}

Task<Result<FetchedStatistics>> EngagementsApi::statistics(StatisticsSource source, std::string site_id,
                                                           StatisticsInterval interval) {
    HttpRequest request;
    request.method = "POST";
    request.url = impl_->sender.url(statistics_query(source, site_id, interval));
    Reader<FetchedStatistics> read = [this, source, site_id, interval](
                                         HttpResponse& response, int attempt,
                                         std::string& why) -> std::optional<FetchedStatistics> {
        const auto parse = [&](std::string& body) {
            return parse_statistics(source, site_id, interval, body);
        };
        auto page = impl_->read_body<StatisticsPage>(response, attempt, why, parse, false);
        if (!page) return std::nullopt;
        return FetchedStatistics{std::move(*page), impl_->sender.asked_at(response).server, attempt};
    };
    co_return co_await impl_->ask<FetchedStatistics>(std::move(request), Route::statistics, std::move(read));
}

Task<Result<FetchedDetail>> EngagementsApi::get(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->sender.url("/engagements/" + percent_encode(engagement_id));
    Reader<FetchedDetail> read = [this, engagement_id](HttpResponse& response, int attempt,
                                                       std::string& why) -> std::optional<FetchedDetail> {
        auto detail = impl_->read_body<ParsedDetail>(
            response, attempt, why, [this](std::string& body) { return impl_->parser.detail(body); });
        if (!detail) return std::nullopt;
        if (detail->engagement && detail->engagement->id != engagement_id) {
            why = "the answer is about another engagement";
            return std::nullopt;
        }
        FetchedDetail fetched;
        fetched.detail = std::move(*detail);
        stamp(fetched, impl_->sender.asked_at(response));
        return fetched;
    };
    co_return co_await impl_->ask<FetchedDetail>(std::move(request), Route::engagement, std::move(read));
}

Task<Result<std::string>> EngagementsApi::get_json(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->sender.url("/engagements/" + percent_encode(engagement_id));
    Reader<std::string> read = [this](HttpResponse& response, int attempt,
                                      std::string& why) -> std::optional<std::string> {
        const auto parse = [this](std::string& body) {
            Parsed<std::string> parsed;
            const auto text = canonical_json(body, parsed.failure.reason);
            if (text && text->starts_with('{')) {
                const bool unchanged = impl_->privacy.keep_all();
                parsed.value =
                    unchanged ? repair_json(json_document(body)) : impl_->privacy.apply_to_json(body);
            } else if (text) {
                parsed.failure.reason = "the body is not an object";
            }
            return parsed;
        };
        return impl_->read_body<std::string>(response, attempt, why, parse);
    };
    co_return co_await impl_->ask<std::string>(std::move(request), Route::engagement, std::move(read));
}

Task<Result<EndResponse>> EngagementsApi::end(std::string engagement_id, bool because_of_error) {
    HttpRequest request;
    request.method = "PATCH";
    request.url = impl_->sender.url("/engagements/" + percent_encode(engagement_id));
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = because_of_error ? R"({"action":"end","reason":"error"})" : R"({"action":"end"})";
    Reader<EndResponse> read = [](HttpResponse& response, int, std::string& why) {
        auto ended = parse_end_response(response.body);
        if (!ended) why = "the answer is not as documented";
        return ended;
    };
    co_return co_await impl_->ask<EndResponse>(std::move(request), Route::end_engagement, std::move(read));
}

Task<Result<bool>> EngagementsApi::export_engagement(std::string engagement_id) {
    HttpRequest request;
    request.method = "POST";
    request.url = impl_->sender.url("/engagements/" + percent_encode(engagement_id) + "/export");
    request.headers.emplace_back("Content-Type", "application/json");
    Reader<bool> read = [](HttpResponse& response, int, std::string& why) {
        const auto exported = parse_export_response(response.body);
        if (!exported) why = "the answer is not as documented";
        return exported;
    };
    co_return co_await impl_->ask<bool>(std::move(request), Route::export_engagement, std::move(read));
}

Task<Result<OptionalInteger>> EngagementsApi::queue_wait() {
    HttpRequest request;
    request.url = impl_->sender.url("/engagements/queue/wait_duration");
    Reader<OptionalInteger> read = [](HttpResponse& response, int, std::string& why) {
        auto wait = parse_wait_response(response.body);
        if (!wait) why = "the answer is not as documented";
        return wait;
    };
    co_return co_await impl_->ask<OptionalInteger>(std::move(request), Route::queue_wait, std::move(read));
}

Task<Result<FetchedTranscript>> EngagementsApi::transcript(std::string engagement_id) {
    HttpRequest request;
    request.url = impl_->sender.url("/engagements/" + percent_encode(engagement_id) + "/chat_transcript");
    Reader<FetchedTranscript> read = [this](HttpResponse& response, int attempt,
                                            std::string& why) -> std::optional<FetchedTranscript> {
        if (response.status == 204) return FetchedTranscript{{}, impl_->sender.asked_at(response).server};
        auto messages = impl_->read_body<std::vector<ChatMessage>>(
            response, attempt, why,
            [this](std::string& body) { return parse_transcript(body, impl_->privacy); });
        if (!messages) return std::nullopt;
        return FetchedTranscript{std::move(*messages), impl_->sender.asked_at(response).server};
    };
    co_return co_await impl_->ask<FetchedTranscript>(std::move(request), Route::transcript, std::move(read));
}

Task<Result<FetchedRecording>> EngagementsApi::recording(std::string url) {
    const auto named = resolve_link(impl_->listing(), url);
    if (!named)
        co_return ApiError{ApiError::Kind::refused, 0,
                           "the recording's URL cannot be followed: " + Impl::shown(url)};
    HttpRequest request;
    request.url = *named;
    if (!impl_->is_trusted(named->origin)) request.url = impl_->sender.url(named->target);
    Reader<FetchedRecording> read = [this, asked = request.url](
                                        HttpResponse& response, int,
                                        std::string& why) -> std::optional<FetchedRecording> {
        FetchedRecording found{{}, impl_->sender.asked_at(response).server};
        if (response.status == 204) return found;
        if (response.status >= 300) {
            found.url = response.header("Location");
        } else if (auto temporary_url = parse_recording_response(response.body)) {
            found.url = std::move(*temporary_url);
        }
        if (!found.url.empty()) {
            found.url = Impl::self_contained(asked, std::move(found.url));
            return found;
        }
        why = "the answer names no URL of the recording";
        return std::nullopt;
    };
    co_return co_await impl_->ask<FetchedRecording>(std::move(request), Route::recording, std::move(read));
}

Task<Result<HttpResponse>> EngagementsApi::download(std::string url, std::uint64_t from, std::string if_range,
                                                    BodyReceiver receiver) {
    const RequestSender& sender = impl_->sender;
    if (!impl_->downloads)
        impl_->downloads = std::make_unique<DownloadClient>(impl_->runtime, sender.http_settings(),
                                                            sender.settings().allow_insecure, impl_->metrics);
    co_return co_await impl_->downloads->download(std::move(url), from, std::move(if_range),
                                                  std::move(receiver));
}

}  // namespace glia
