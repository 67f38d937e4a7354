#include "daemon/base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "daemon/base/version.hpp"

namespace glia {
namespace {

namespace prom = prometheus;

// Routes whose retries and durations are exported from the start, as 0.
constexpr std::array kRoutesExportedAtStart{Route::list, Route::engagement, Route::token};

const char* name_of(Route route) {
    return kRoutes[static_cast<std::size_t>(route)];
}

// Seconds: from the latency of a server on the same machine to the default of request_timeout.
const prom::Histogram::BucketBoundaries kRequestBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                        1,    2.5,   5,    10,  30,   60};
// Seconds: from a commit of a single detail to a commit that waits for locks.
const prom::Histogram::BucketBoundaries kCommitBuckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                       0.1,   0.25,   0.5,   1,    2.5,   10};

prom::Counter& counter(prom::Registry& registry, const char* name, const char* help,
                       const prom::Labels& labels = {}) {
    return prom::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

/// A family of gauges that is built for every scrape, so that no series outlives what it describes.
class GaugeFamily {
  public:
    GaugeFamily(const char* name, const char* help, prom::MetricType type = prom::MetricType::Gauge) {
        family_.name = name;
        family_.help = help;
        family_.type = type;
    }
    GaugeFamily& add(double value, const std::vector<prom::ClientMetric::Label>& labels = {}) {
        prom::ClientMetric metric;
        metric.label = labels;
        (family_.type == prom::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
        family_.metric.push_back(std::move(metric));
        return *this;
    }
    void to(std::vector<prom::MetricFamily>& families) {
        if (!family_.metric.empty()) families.push_back(std::move(family_));
    }

  private:
    prom::MetricFamily family_;
};

double seconds(Instant time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_sites(const Gauges& gauges, std::vector<prom::MetricFamily>& families) {
    GaugeFamily through(
        "glia_sync_site_synced_through_timestamp_seconds",
        "All engagements up to this time are in the database; absent before the first pass is complete.");
    GaugeFamily lag("glia_sync_site_lag_seconds", "Age of the site's watermark.");
    GaugeFamily success("glia_sync_site_last_success_timestamp_seconds",
                        "When a pass of the site last succeeded; 0 if none did.");
    GaugeFamily failing("glia_sync_site_failing", "1 if the last pass of the site failed.");
    GaugeFamily rejected("glia_sync_site_rejected_records",
                         "Records of the site that could not be loaded so far.");
    GaugeFamily missing("glia_sync_engagements_missing", "Stored engagements that the source no longer has.");
    GaugeFamily verified("glia_sync_site_verified_through_timestamp_seconds",
                         "End of the newest day that verify found in order, or repaired; 0 if it never did.");
    GaugeFamily seen("glia_sync_volume_seen_engagements",
                     "Engagements created in the newest complete hours, without days that may be holidays.");
    GaugeFamily expected("glia_sync_volume_expected_engagements",
                         "Usual number in the same hours: medians over eight weeks; 0 if unknown.");
    GaugeFamily low("glia_sync_volume_low_threshold_engagements",
                    "Fewer engagements in those hours are unusual; 0 if too few are expected to judge.");
    GaugeFamily info("glia_sync_site_info", "1 for each site whose name is known, with the name.");
    GaugeFamily lease("glia_sync_site_lease_held", "1 while this instance reads the site.");
    const auto add = [&](const SiteStatus& known) {
        const std::vector<prom::ClientMetric::Label> labels{{"site", known.site_id},
                                                            {"stream", known.stream}};
        if (known.synced_through) through.add(seconds(*known.synced_through), labels);
        if (known.lag_seconds) lag.add(std::max(0.0, *known.lag_seconds + gauges.age.count()), labels);
        // A stream that the API has always refused (403, 404, 422) is not overdue, so it has no series.
        if (known.last_success_at || !known.refusal)
            success.add(known.last_success_at ? seconds(*known.last_success_at) : 0, labels);
        failing.add(is_failing(known) ? 1 : 0, labels);
        rejected.add(static_cast<double>(known.rejected), labels);
        if (known.stream != name_of(Stream::engagements)) return;
        missing.add(static_cast<double>(known.missing), {{"site", known.site_id}});
        const VolumeStatus volume = known.volume.value_or(VolumeStatus{});
        seen.add(static_cast<double>(volume.seen), {{"site", known.site_id}});
        expected.add(volume.expected, {{"site", known.site_id}});
        low.add(volume.low_threshold, {{"site", known.site_id}});
        verified.add(known.verified_through ? seconds(*known.verified_through) : 0,
                     {{"site", known.site_id}});
    };
    for (const std::string& site : gauges.sites) {
        const std::string engagements = name_of(Stream::engagements);
        const std::vector<prom::ClientMetric::Label> labels{{"site", site}, {"stream", engagements}};
        const auto& held = gauges.leases_held;
        lease.add(std::find(held.begin(), held.end(), site) != held.end() ? 1 : 0, labels);
        const SiteStatus* named = gauges.find(site);
        if (!named) success.add(0, labels);
        if (named && named->name) info.add(1, {{"site", site}, {"name", *named->name}});
        for (const SiteStatus& known : gauges.report.sites) {
            if (known.site_id == site) add(known);
        }
    }
    for (GaugeFamily* family : {&through, &lag, &success, &failing, &rejected, &missing, &verified, &seen,
                                &expected, &low, &lease, &info})
        family->to(families);
}

void add_undocumented_members(const StatusReport& report, std::vector<prom::MetricFamily>& families) {
    constexpr std::size_t kMostNamed = 20;  // bounds the number of time series
    GaugeFamily("glia_sync_undocumented_members",
                "Undocumented members and members of another type than documented, by path.")
        .add(static_cast<double>(report.undocumented_members.size()))
        .to(families);
    GaugeFamily named("glia_sync_undocumented_member_first_seen_timestamp_seconds",
                      "When an undocumented member was first seen, for members of the last 7 days.");
    std::size_t count = 0;
    for (const UndocumentedStatus& member : report.undocumented_members) {
        if (member.is_new && count++ < kMostNamed)
            named.add(seconds(member.first_seen_at), {{"path", member.path}, {"kind", member.kind}});
    }
    named.to(families);
    GaugeFamily installed("glia_sync_schema_created_timestamp_seconds",
                          "When the schema was created: members first seen soon after need not be new.");
    if (report.installed_at) installed.add(seconds(*report.installed_at));
    installed.to(families);
}

void add_work(const Gauges& gauges, std::vector<prom::MetricFamily>& families) {
    GaugeFamily("glia_sync_database_up", "1 if the database responded at this scrape.")
        .add(gauges.database_up ? 1 : 0)
        .to(families);
    GaugeFamily("glia_sync_detail_queue_depth",
                "Engagements whose legs have to be fetched; parked ones failed often and are retried rarely.")
        .add(static_cast<double>(gauges.report.details_waiting), {{"state", "waiting"}})
        .add(static_cast<double>(gauges.report.details_parked), {{"state", "parked"}})
        .to(families);
    GaugeFamily("glia_sync_rejected_records", "Rejected records that were not loaded since.")
        .add(static_cast<double>(gauges.report.rejected))
        .to(families);
    GaugeFamily enrichments("glia_sync_enrichment_queue_depth", "Jobs that wait for an enricher.");
    GaugeFamily enriched("glia_sync_enricher_last_success_timestamp_seconds",
                         "When an enricher last fetched something.");
    for (const EnricherStatus& enricher : gauges.report.enrichers) {
        enrichments.add(static_cast<double>(enricher.waiting), {{"kind", enricher.kind}});
        if (enricher.last_success_at)
            enriched.add(seconds(*enricher.last_success_at), {{"kind", enricher.kind}});
    }
    enrichments.to(families);
    enriched.to(families);
    add_undocumented_members(gauges.report, families);
    std::int64_t done = 0;
    std::int64_t total = 0;
    for (const BackfillStatus& backfill : gauges.report.backfills) {
        done += backfill.windows_done;
        total += backfill.windows_total;
    }
    GaugeFamily("glia_sync_backfill_windows", "Windows of unfinished backfills.")
        .add(static_cast<double>(done), {{"state", "done"}})
        .add(static_cast<double>(total - done), {{"state", "open"}})
        .to(families);
    GaugeFamily("glia_sync_poll_interval_seconds", "sync.poll_every.")
        .add(gauges.poll_every.count())
        .to(families);
    GaugeFamily("glia_sync_api_rate_limit", "Current rate limit in requests per second; 0: no limit.")
        .add(gauges.rate_limit)
        .to(families);
    GaugeFamily token("glia_sync_token_expiry_timestamp_seconds", "When the API's token expires, if known.");
    if (gauges.token_expires_at) token.add(seconds(*gauges.token_expires_at));
    token.to(families);
    GaugeFamily offset("glia_sync_api_clock_offset_seconds",
                       "Offset of the API's clock from this machine's; absent before the first response.");
    if (gauges.clock_offset) offset.add(gauges.clock_offset->count());
    offset.to(families);
}

/// The process metrics that Prometheus' client libraries export.
void add_process(std::vector<prom::MetricFamily>& families) {
    std::ifstream stat("/proc/self/stat");
    std::string line;
    std::getline(stat, line);
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream rest(line.substr(name_end + 1));
    std::vector<std::string> fields;  // starts with field 3 of proc(5)'s table for /proc/[pid]/stat
    for (std::string field; rest >> field;) fields.push_back(field);
    if (fields.size() < 22) return;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    GaugeFamily("process_cpu_seconds_total", "Total user and system CPU time.", prom::MetricType::Counter)
        .add((std::stod(fields[11]) + std::stod(fields[12])) / ticks)
        .to(families);
    GaugeFamily("process_resident_memory_bytes", "Resident memory size.")
        .add(std::stod(fields[21]) * static_cast<double>(sysconf(_SC_PAGESIZE)))
        .to(families);
}

}  // namespace

struct Metrics::Impl {
    prom::Registry registry;
    prom::Family<prom::Counter>& requests =
        prom::BuildCounter()
            .Name("glia_sync_api_requests_total")
            .Help("Requests to the API by route and status of the response; error: no response.")
            .Register(registry);
    prom::Family<prom::Histogram>& durations =
        prom::BuildHistogram()
            .Name("glia_sync_api_request_duration_seconds")
            .Help("Time from sending a request to the end of its response.")
            .Register(registry);
    prom::Family<prom::Counter>& retries = prom::BuildCounter()
                                               .Name("glia_sync_api_retries_total")
                                               .Help("Requests that were sent again.")
                                               .Register(registry);
    prom::Family<prom::Counter>& engagements =
        prom::BuildCounter()
            .Name("glia_sync_engagements_total")
            .Help("Engagements that were read, by outcome; stale: a newer response is stored.")
            .Register(registry);
    prom::Family<prom::Counter>& transactions = prom::BuildCounter()
                                                    .Name("glia_sync_transactions_total")
                                                    .Help("Transactions that write engagements, by result.")
                                                    .Register(registry);
    prom::Family<prom::Counter>& reloads = prom::BuildCounter()
                                               .Name("glia_sync_config_reloads_total")
                                               .Help("Reloads of the configuration, by result.")
                                               .Register(registry);
    prom::Family<prom::Counter>& enrichments =
        prom::BuildCounter()
            .Name("glia_sync_enrichments_total")
            .Help("Attempts of the enrichers by kind and result; later: not available yet.")
            .Register(registry);
    prom::Gauge& in_flight = prom::BuildGauge()
                                 .Name("glia_sync_api_requests_in_flight")
                                 .Help("Requests in flight.")
                                 .Register(registry)
                                 .Add({});
    prom::Counter& dates_ignored =
        counter(registry, "glia_sync_api_dates_ignored_total",
                "Date headers that were ignored: they differ by over a minute from the expected time.");
    prom::Counter& waits = counter(registry, "glia_sync_api_rate_limit_waits_total",
                                   "Requests that waited for the rate limit or for max_in_flight.");
    prom::Counter& waited = counter(registry, "glia_sync_api_rate_limit_wait_seconds_total",
                                    "Time that requests waited for the rate limit or for max_in_flight.");
    prom::Counter& pages = counter(registry, "glia_sync_pages_total", "Pages of listings that were read.");
    prom::Counter& legs = counter(registry, "glia_sync_legs_total", "Legs that were written.");
    prom::Counter& database_retries =
        counter(registry, "glia_sync_database_retries_total", "Calls to the database that were made again.");
    prom::Histogram& commits = prom::BuildHistogram()
                                   .Name("glia_sync_commit_duration_seconds")
                                   .Help("Duration of transactions that write engagements.")
                                   .Register(registry)
                                   .Add({}, kCommitBuckets);

    Impl() {
        // rate() sees the first increase of a counter only if the counter was exported as 0 before.
        for (const char* outcome : {"new", "changed", "unchanged", "stale", "rejected", "forgotten"})
            engagements.Add({{"outcome", outcome}});
        for (const char* result : {"committed", "failed"}) transactions.Add({{"result", result}});
        for (const char* result : {"accepted", "refused"}) reloads.Add({{"result", result}});
        for (const Route route : kRoutesExportedAtStart) {
            retries.Add({{"route", name_of(route)}});
            durations.Add({{"route", name_of(route)}}, kRequestBuckets);
        }
        prom::BuildGauge()
            .Name("glia_sync_build_info")
            .Help("1, with the program's version.")
            .Register(registry)
            .Add({{"version", kVersion}})
            .Set(1);
        prom::BuildGauge()
            .Name("process_start_time_seconds")
            .Help("When the program was started.")
            .Register(registry)
            .Add({})
            .SetToCurrentTime();
    }

    void count(const char* outcome, std::int64_t number) {
        if (number > 0) engagements.Add({{"outcome", outcome}}).Increment(static_cast<double>(number));
    }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::request_started() {
    impl_->in_flight.Increment();
}

void Metrics::request_ended(Route route, int status, std::chrono::duration<double> took) {
    const char* name = name_of(route);
    impl_->in_flight.Decrement();
    impl_->requests.Add({{"route", name}, {"code", status == 0 ? "error" : std::to_string(status)}})
        .Increment();
    impl_->durations.Add({{"route", name}}, kRequestBuckets).Observe(took.count());
}

void Metrics::request_retried(Route route) {
    impl_->retries.Add({{"route", name_of(route)}}).Increment();
}

void Metrics::request_waited(std::chrono::duration<double> for_rate_limit) {
    impl_->waits.Increment();
    impl_->waited.Increment(for_rate_limit.count());
}

void Metrics::page_read() {
    impl_->pages.Increment();
}

void Metrics::date_ignored() {
    impl_->dates_ignored.Increment();
}

void Metrics::committed(const CommitCounts& counts, std::chrono::duration<double> took) {
    impl_->transactions.Add({{"result", "committed"}}).Increment();
    impl_->commits.Observe(took.count());
    impl_->count("new", counts.inserted);
    impl_->count("changed", counts.changed);
    impl_->count("unchanged", counts.unchanged);
    impl_->count("stale", counts.stale);
    impl_->count("rejected", counts.rejected);
    impl_->count("forgotten", counts.forgotten);
    impl_->legs.Increment(static_cast<double>(counts.leg_rows));
}

void Metrics::enriched(const std::string& kind, const std::string& result) {
    impl_->enrichments.Add({{"kind", kind}, {"result", result}}).Increment();
}

void Metrics::commit_failed() {
    impl_->transactions.Add({{"result", "failed"}}).Increment();
}

void Metrics::database_retried() {
    impl_->database_retries.Increment();
}

void Metrics::reloaded(bool accepted) {
    impl_->reloads.Add({{"result", accepted ? "accepted" : "refused"}}).Increment();
}

std::string Metrics::text(const Gauges& gauges) const {
    std::vector<prom::MetricFamily> families = impl_->registry.Collect();
    add_sites(gauges, families);
    add_work(gauges, families);
    add_process(families);
    std::ostringstream out;
    prom::TextSerializer().Serialize(out, families);
    return out.str();
}

}  // namespace glia
