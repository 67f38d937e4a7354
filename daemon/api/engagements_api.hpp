// One call for each documented endpoint (spec/engagements-api.md), with retries, rate limit, tokens and
// parsing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/api/http.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/parse/small_responses.hpp"

namespace glia {

/// The parameters of a listing. The other query parameters come from the configuration.
struct ListQuery {
    std::string site_id;
    Instant start{};
    OptionalInstant end;
    int per_page = 0;  ///< 0: as configured
};

/// Loop's thread only.
class EngagementsApi {
  public:
    /// After `scope` is cancelled, no request is sent or retried. A request under way completes, unless the
    /// whole program stops: then it is cut. Throws std::runtime_error if the CA file or the privacy key
    /// cannot be read.
    EngagementsApi(CancellationScope& scope, const Settings& settings, Metrics& metrics);
    ~EngagementsApi();

    /// Fetches the first page of a listing in ascending order.
    Task<Result<FetchedPage>> list(ListQuery query);
    /// Fetches the page of a `next_page` link, which is used byte for byte (DESIGN.md §3.4).
    Task<Result<FetchedPage>> follow(std::string link);
    Task<Result<FetchedDetail>> get(std::string engagement_id);
    /// Returns the engagement's JSON as received, with privacy applied, for display.
    Task<Result<std::string>> get_json(std::string engagement_id);

    /// Fetches the first page of a site's operators or queues, or the site itself (spec:
    /// directory-and-statistics). Includes operators with closed accounts.
    Task<Result<FetchedListing>> listing(Stream stream, std::string site_id);
    /// Like follow(), for listing().
    Task<Result<FetchedListing>> follow_listing(Stream stream, std::string link);

    /// Fetches a site's statistics of one interval (spec: directory-and-statistics, Statistics).
    Task<Result<FetchedStatistics>> statistics(StatisticsSource source, std::string site_id,
                                               StatisticsInterval interval);

    /// Ends an engagement at the source (spec: § End Engagement).
    Task<Result<EndResponse>> end(std::string engagement_id, bool because_of_error);
    /// Asks the source to export an engagement to its site's configured destination (spec: § Export
    /// Engagement). Returns false if the API reports that it did not.
    Task<Result<bool>> export_engagement(std::string engagement_id);
    /// Fetches the chat transcript (spec: api-facts).
    Task<Result<FetchedTranscript>> transcript(std::string engagement_id);
    /// Fetches the current temporary URL of a recording. The API responds with JSON or with a redirection
    /// (spec: § Engagement). The token goes to trusted origins only: for a URL of another origin, its path is
    /// requested from `api.base_url`.
    Task<Result<FetchedRecording>> recording(std::string url);
    /// Downloads a temporary URL without the token. Starts at byte `from` if the server supports ranges and
    /// still has the version that `if_range` names (RFC 9110 §13.1.5). No retries; follows redirections.
    /// Errors do not show the URL. The response has a body only if `receiver` did not want it.
    Task<Result<HttpResponse>> download(std::string url, std::uint64_t from, std::string if_range,
                                        BodyReceiver receiver);
    /// Fetches the average time that visitors wait in the queue (spec: § Fetch Queue Average Wait Duration).
    Task<Result<OptionalInteger>> queue_wait();

    /// The privacy rules that every response passes through.
    const Privacy& privacy() const;
    /// The current rate limit in requests per second; 0: no limit.
    double rate_limit() const;
    /// When the token expires, by this machine's clock; none if unknown.
    OptionalInstant token_expires_at() const;
    /// The server's time now, as far as it is known.
    Instant server_now() const;
    /// This machine's own clock.
    static Instant machine_now();
    /// Sets the initial offset of the server's clock from this machine's, as an earlier process on this
    /// machine measured it. Has no effect once a response's Date has been used.
    void set_clock_offset(std::chrono::microseconds ahead_of_machine);
    /// The measured offset; none before the first response.
    std::optional<std::chrono::microseconds> clock_ahead_of_machine() const;
    /// Takes over state from `before`, the client of the previous configuration; handover.hpp says which.
    /// Call it when `before` has no request under way.
    void inherit(EngagementsApi& before);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
