// What is counted and measured, for Prometheus (prometheus-cpp). Names and meanings stand here once; the
// texts at /metrics, the alert rules and the dashboard rest on them.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/status.hpp"

namespace glia {

/// What a request asks for; the `route` of its metrics.
enum class Route {
    list,
    engagement,
    token,
    queue_wait,
    transcript,
    recording,
    download,
    end,
    export_engagement,
    directory
};
inline constexpr std::array<const char*, 10> kRoutes{"list",       "engagement", "token",    "queue_wait",
                                                     "transcript", "recording",  "download", "end",
                                                     "export",     "directory"};

/// What is known at the moment of a scrape, and not counted along the way.
struct Gauges {
    bool database_up = false;              ///< the report below is fresh
    StatusReport report;                   ///< what the database last told
    std::chrono::duration<double> age{};   ///< of `report`
    std::vector<std::string> sites;        ///< those of the configuration
    std::vector<std::string> leases_held;  ///< sites that this instance reads at this moment
    std::chrono::duration<double> poll_every{};
    double rate_limit = 0;                                      ///< requests per second; 0: none
    OptionalInstant token_expires_at;                           ///< none: the token does not say
    std::optional<std::chrono::duration<double>> clock_offset;  ///< the API's clock less this machine's

    /// What the report tells of the engagements of a site; null: nothing.
    const SiteStatus* find(const std::string& site) const { return find_site(report.sites, site); }
};

/// Counters since the program started; they outlive a change of the configuration. Any thread may count.
class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void request_started();
    /// `status` 0: there was no answer.
    void request_ended(Route route, int status, std::chrono::duration<double> took);
    void request_retried(Route route);
    void request_waited(std::chrono::duration<double> for_rate_limit);
    void page_read();
    /// A Date header departed from the answers before it (DESIGN.md §3.10).
    void date_ignored();

    void committed(const CommitCounts& counts, std::chrono::duration<double> took);
    /// `result`: done, later (a recording that is still being made), failed.
    void enriched(const std::string& kind, const std::string& result);
    void commit_failed();
    void database_retried();
    void reloaded(bool accepted);

    /// The whole text in Prometheus' exposition format.
    std::string text(const Gauges& gauges) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
