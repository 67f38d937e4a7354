// The program's metrics for Prometheus (prometheus-cpp). Alert rules and dashboards use their names.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/status.hpp"

namespace glia {

/// The API endpoint that a request calls: the label `route` of its metrics.
enum class Route {
    list,
    engagement,
    token,
    queue_wait,
    transcript,
    recording,
    download,
    end_engagement,
    export_engagement,
    directory,
    statistics
};
inline constexpr std::array<const char*, 11> kRoutes{"list",       "engagement", "token",     "queue_wait",
                                                     "transcript", "recording",  "download",  "end",
                                                     "export",     "directory",  "statistics"};

/// Values that are read at each scrape, unlike the counters.
struct Gauges {
    bool database_up = false;              ///< the report below is fresh
    StatusReport report;                   ///< the last report of the database
    std::chrono::duration<double> age{};   ///< of `report`
    std::vector<std::string> sites;        ///< those of the configuration
    std::vector<std::string> leases_held;  ///< sites that this instance reads at this moment
    std::chrono::duration<double> poll_every{};
    double rate_limit = 0;                                      ///< requests per second; 0: none
    OptionalInstant token_expires_at;                           ///< none: unknown
    std::optional<std::chrono::duration<double>> clock_offset;  ///< the API's clock minus this machine's

    /// The report's entry for the stream `engagements` of a site, or null.
    const SiteStatus* find(const std::string& site) const { return find_site(report.sites, site); }
};

/// Counters since the program started. A reload of the configuration keeps them. Any thread may count.
class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void request_started();
    /// `status` 0: there was no response.
    void request_ended(Route route, int status, std::chrono::duration<double> took);
    void request_retried(Route route);
    void request_waited(std::chrono::duration<double> for_rate_limit);
    void page_read();
    /// A Date header was ignored because it differs from the expected time (DESIGN.md §3.10).
    void date_ignored();

    void committed(const CommitCounts& counts, std::chrono::duration<double> took);
    /// `result`: done, later (a recording that is still being made, or an unused claim that is released),
    /// failed.
    void enriched(const std::string& kind, const std::string& result);
    void commit_failed();
    void database_retried();
    void reloaded(bool accepted);

    /// Returns all metrics in Prometheus' text exposition format.
    std::string text(const Gauges& gauges) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
