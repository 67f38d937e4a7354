#include "daemon/api/download_client.hpp"

#include "daemon/api/request_sender.hpp"

namespace glia {
namespace {

HttpSettings with_system_certificates(HttpSettings settings) {
    settings.system_ca_too = true;
    return settings;
}

}  // namespace

DownloadClient::DownloadClient(Runtime& runtime, HttpSettings settings, bool allow_insecure, Metrics& metrics)
    : http_(runtime, with_system_certificates(std::move(settings))),
      allow_insecure_(allow_insecure),
      metrics_(metrics) {}

Task<Result<HttpResponse>> DownloadClient::download(std::string url, std::uint64_t from, std::string if_range,
                                                    BodyReceiver receiver) {
    constexpr int kMostRedirections = 5;
    std::optional<Url> target = parse_url(url);
    for (int hop = 0; hop <= kMostRedirections; ++hop) {
        if (!target)
            co_return ApiError{ApiError::Kind::refused, 0, "the recording's temporary URL is invalid"};
        const std::string where = to_text(target->origin);
        if (target->origin.scheme != "https" && !is_loopback(target->origin) && !allow_insecure_) {
            co_return ApiError{ApiError::Kind::refused, 0,
                               "the recording's URL leads to " + where +
                                   ", which is not encrypted; set api.allow_insecure: true to allow it"};
        }
        HttpRequest request;
        request.url = *target;
        if (from > 0) {
            request.headers.emplace_back("Range", "bytes=" + std::to_string(from) + "-");
            request.headers.emplace_back("If-Range", if_range);
        }
        metrics_.request_started();
        const auto began = std::chrono::steady_clock::now();
        HttpOutcome outcome = co_await http_.receive(request, receiver);
        auto* response = std::get_if<HttpResponse>(&outcome);
        metrics_.request_ended(Route::download, response ? response->status : 0,
                               std::chrono::steady_clock::now() - began);
        if (!response) {
            const HttpFailure& failure = std::get<HttpFailure>(outcome);
            co_return ApiError{api_error_kind(failure.kind), 0,
                               "downloading a recording: " + failure.message};
        }
        if (!is_redirection(response->status)) co_return std::move(*response);
        target = resolve_link(*target, response->header("Location"));
    }
    co_return ApiError{ApiError::Kind::refused, 0, "the recording's temporary URL is redirected too often"};
}

}  // namespace glia
