// The documented API (spec/engagements-api.md) as calls: retries, rate limit, tokens and parsing included.
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
#include "daemon/parse/answers.hpp"

namespace glia {

/// What a listing is asked for; the rest is configuration.
struct ListQuery {
    std::string site_id;
    Instant start{};
    OptionalInstant end;
    int per_page = 0;  ///< 0: as configured
};

/// Loop's thread only.
class EngagementsApi {
  public:
    /// When `scope` ends, no request is sent any more and none is tried again; one under way ends by itself,
    /// or at once if the whole program stops. Throws std::runtime_error if the CA file or the privacy
    /// key cannot be read.
    EngagementsApi(Scope& scope, const Settings& settings, Metrics& metrics);
    ~EngagementsApi();

    /// The first page of a listing, ascending.
    Task<Result<FetchedPage>> list(ListQuery query);
    /// The page that a `next_page` link names, followed byte for byte (DESIGN.md §3.4).
    Task<Result<FetchedPage>> follow(std::string link);
    Task<Result<FetchedDetail>> get(std::string engagement_id);
    /// The same as it came, for a person to read; what privacy hides is hidden.
    Task<Result<std::string>> get_json(std::string engagement_id);

    /// The first page of what a site lists of operators or queues, or the site itself (spec:
    /// directory-and-statistics). Operators whose account is closed are listed too.
    Task<Result<FetchedListing>> listing(Stream stream, std::string site_id);
    /// As follow().
    Task<Result<FetchedListing>> follow_listing(Stream stream, std::string link);

    /// Ends an engagement, at the source (spec: § End Engagement).
    Task<Result<EndAnswer>> end(std::string engagement_id, bool because_of_error);
    /// Exports it to where its site is configured to (spec: § Export Engagement). False: the API did not.
    Task<Result<bool>> export_engagement(std::string engagement_id);
    /// The chat transcript (spec: api-facts).
    Task<Result<FetchedTranscript>> transcript(std::string engagement_id);
    /// Where a recording is to be had now, answered by JSON or by a redirection (spec: § Engagement). The
    /// token goes to trusted origins only: a URL of another is asked for at `api.base_url`, by its path.
    Task<Result<FetchedRecording>> recording(std::string url);
    /// Downloads what a temporary URL names, without the token; from the byte `from` on, if the server can do
    /// that and what it has is still the version that `if_range` names (RFC 9110 §13.1.5). Sent once, but for
    /// redirections. Errors do not show the URL. The response has no body, but for one that `receiver` did
    /// not want.
    Task<Result<HttpResponse>> download(std::string url, std::uint64_t from, std::string if_range,
                                        BodyReceiver receiver);
    /// How long visitors have had to wait in the queue, on average (spec: § Fetch Queue Average Wait
    /// Duration).
    Task<Result<OptionalSeconds>> queue_wait();

    /// What is applied to every answer.
    const Privacy& privacy() const;
    /// Requests per second that are sent at most at this moment; 0: there is no limit.
    double rate_limit() const;
    /// By the system's clock; none if the token does not say.
    OptionalInstant token_expires_at() const;
    /// The server's time now, as far as it is known.
    Instant server_now() const;
    /// This machine's own clock.
    static Instant machine_now();
    /// Tells what an earlier program on this machine found: the server's clock less the system's. Before any
    /// request, or it is without effect.
    void guess_clock(std::chrono::microseconds ahead_of_system);
    /// What this one found; none before the first response.
    std::optional<std::chrono::microseconds> clock_ahead_of_system() const;
    /// Every request under way ends with `cancelled`.
    void cancel();
    /// Takes over what `before`, by the settings before these, knows and these settings do not change; see
    /// handover.hpp. Once `before` has nothing under way any more.
    void take_over(EngagementsApi& before);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
