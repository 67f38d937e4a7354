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

// Those that every configuration asks for stand in the metrics from the start.
constexpr std::array kUsualRoutes{Route::list, Route::engagement, Route::token};

const char* name_of(Route route) {
    return kRoutes[static_cast<std::size_t>(route)];
}

// From an answer on the same machine to request_timeout's default.
const prom::Histogram::BucketBoundaries kRequestBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                        1,    2.5,   5,    10,  30,   60};
// From a commit of one detail to one that waits for locks.
const prom::Histogram::BucketBoundaries kCommitBuckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                       0.1,   0.25,   0.5,   1,    2.5,   10};

prom::Counter& counter(prom::Registry& registry, const char* name, const char* help,
                       const prom::Labels& labels = {}) {
    return prom::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

/// A family of gauges that is made anew for every scrape, so that nothing in it outlives what it tells of.
class Fresh {
  public:
    Fresh(const char* name, const char* help, prom::MetricType type = prom::MetricType::Gauge) {
        family_.name = name;
        family_.help = help;
        family_.type = type;
    }
    Fresh& add(double value, const std::vector<prom::ClientMetric::Label>& labels = {}) {
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
    Fresh through(
        "glia_sync_site_synced_through_timestamp_seconds",
        "All engagements up to this time are in the database; absent before the first pass is through.");
    Fresh lag("glia_sync_site_lag_seconds", "How far behind now the watermark of the site is.");
    Fresh success("glia_sync_site_last_success_timestamp_seconds",
                  "When a pass of the site last ended well, 0 if none did.");
    Fresh failing("glia_sync_site_failing", "1 if the last pass of the site failed.");
    Fresh rejected("glia_sync_site_rejected_records", "Records of the site that could not be loaded so far.");
    Fresh info("glia_sync_site_info", "1 for each site whose name is known, with the name.");
    Fresh lease("glia_sync_site_lease_held", "1 while this instance reads the site.");
    const auto add = [&](const SiteStatus& known) {
        const std::vector<prom::ClientMetric::Label> labels{{"site", known.site_id},
                                                            {"stream", known.stream}};
        if (known.synced_through) through.add(seconds(*known.synced_through), labels);
        if (known.lag_seconds) lag.add(std::max(0.0, *known.lag_seconds + gauges.age.count()), labels);
        // What the token may not read is not waited for.
        if (known.last_success_at || !known.refusal)
            success.add(known.last_success_at ? seconds(*known.last_success_at) : 0, labels);
        failing.add(is_failing(known) ? 1 : 0, labels);
        rejected.add(static_cast<double>(known.rejected), labels);
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
    for (Fresh* family : {&through, &lag, &success, &failing, &rejected, &lease, &info}) family->to(families);
}

void add_undocumented(const StatusReport& report, std::vector<prom::MetricFamily>& families) {
    constexpr std::size_t kMostNamed = 20;  // each name is a time series of its own
    Fresh("glia_sync_undocumented_members",
          "Members that the API sends beyond its documentation or of another type, by path.")
        .add(static_cast<double>(report.undocumented.size()))
        .to(families);
    Fresh named("glia_sync_undocumented_member_first_seen_timestamp_seconds",
                "When a member beyond the documentation was first seen, for those of the last 7 days.");
    std::size_t count = 0;
    for (const UndocumentedStatus& member : report.undocumented) {
        if (member.is_new && count++ < kMostNamed)
            named.add(seconds(member.first_seen_at), {{"path", member.path}, {"kind", member.kind}});
    }
    named.to(families);
}

void add_work(const Gauges& gauges, std::vector<prom::MetricFamily>& families) {
    Fresh("glia_sync_database_up", "1 if the database answered when this was asked for.")
        .add(gauges.database_up ? 1 : 0)
        .to(families);
    Fresh(
        "glia_sync_detail_queue_depth",
        "Engagements whose legs are still to be fetched; parked ones failed often and are asked for rarely.")
        .add(static_cast<double>(gauges.report.details_waiting), {{"state", "waiting"}})
        .add(static_cast<double>(gauges.report.details_parked), {{"state", "parked"}})
        .to(families);
    Fresh("glia_sync_rejected_records", "Records that could not be loaded, and have not been since.")
        .add(static_cast<double>(gauges.report.rejected))
        .to(families);
    Fresh enrichments("glia_sync_enrichment_queue_depth", "What enrichers have still to fetch.");
    Fresh enriched("glia_sync_enricher_last_success_timestamp_seconds",
                   "When an enricher fetched something last.");
    for (const EnricherStatus& enricher : gauges.report.enrichers) {
        enrichments.add(static_cast<double>(enricher.waiting), {{"kind", enricher.kind}});
        if (enricher.last_success_at)
            enriched.add(seconds(*enricher.last_success_at), {{"kind", enricher.kind}});
    }
    enrichments.to(families);
    enriched.to(families);
    add_undocumented(gauges.report, families);
    std::int64_t done = 0;
    std::int64_t total = 0;
    for (const BackfillStatus& backfill : gauges.report.backfills) {
        done += backfill.windows_done;
        total += backfill.windows_total;
    }
    Fresh("glia_sync_backfill_windows", "Windows of the backfills that are not finished.")
        .add(static_cast<double>(done), {{"state", "done"}})
        .add(static_cast<double>(total - done), {{"state", "open"}})
        .to(families);
    Fresh("glia_sync_poll_interval_seconds", "sync.poll_every.").add(gauges.poll_every.count()).to(families);
    Fresh("glia_sync_api_rate_limit",
          "Requests per second that are sent at most at this moment; 0: there is no limit.")
        .add(gauges.rate_limit)
        .to(families);
    Fresh token("glia_sync_token_expiry_timestamp_seconds", "When the API's token ends, if it says so.");
    if (gauges.token_expires_at) token.add(seconds(*gauges.token_expires_at));
    token.to(families);
    Fresh offset("glia_sync_api_clock_offset_seconds",
                 "The clock of the API less that of this machine; absent before the first response.");
    if (gauges.clock_offset) offset.add(gauges.clock_offset->count());
    offset.to(families);
}

/// What Prometheus' client libraries tell of every process.
void add_process(std::vector<prom::MetricFamily>& families) {
    std::ifstream stat("/proc/self/stat");
    std::string line;
    std::getline(stat, line);
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream rest(line.substr(name_end + 1));
    std::vector<std::string> fields;  // from the third of proc(5) on
    for (std::string field; rest >> field;) fields.push_back(field);
    if (fields.size() < 22) return;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    Fresh("process_cpu_seconds_total", "CPU time that was used.", prom::MetricType::Counter)
        .add((std::stod(fields[11]) + std::stod(fields[12])) / ticks)
        .to(families);
    Fresh("process_resident_memory_bytes", "Memory that is resident.")
        .add(std::stod(fields[21]) * static_cast<double>(sysconf(_SC_PAGESIZE)))
        .to(families);
}

}  // namespace

struct Metrics::Impl {
    prom::Registry registry;
    prom::Family<prom::Counter>& requests =
        prom::BuildCounter()
            .Name("glia_sync_api_requests_total")
            .Help(
                "Requests to the API by what they asked for and the answer's status; error: there was none.")
            .Register(registry);
    prom::Family<prom::Histogram>& durations = prom::BuildHistogram()
                                                   .Name("glia_sync_api_request_duration_seconds")
                                                   .Help("From sending a request to the end of its answer.")
                                                   .Register(registry);
    prom::Family<prom::Counter>& retries = prom::BuildCounter()
                                               .Name("glia_sync_api_retries_total")
                                               .Help("Requests that had to be sent again.")
                                               .Register(registry);
    prom::Family<prom::Counter>& engagements =
        prom::BuildCounter()
            .Name("glia_sync_engagements_total")
            .Help("Engagements by what their reading led to; stale: a newer answer was there already.")
            .Register(registry);
    prom::Family<prom::Counter>& transactions = prom::BuildCounter()
                                                    .Name("glia_sync_transactions_total")
                                                    .Help("Transactions that write engagements, by result.")
                                                    .Register(registry);
    prom::Family<prom::Counter>& reloads = prom::BuildCounter()
                                               .Name("glia_sync_config_reloads_total")
                                               .Help("Times the configuration was read again, by result.")
                                               .Register(registry);
    prom::Family<prom::Counter>& enrichments =
        prom::BuildCounter()
            .Name("glia_sync_enrichments_total")
            .Help(
                "Attempts of the enrichers by what was fetched and the result; later: it was not there yet.")
            .Register(registry);
    prom::Gauge& in_flight = prom::BuildGauge()
                                 .Name("glia_sync_api_requests_in_flight")
                                 .Help("Requests under way.")
                                 .Register(registry)
                                 .Add({});
    prom::Counter& dates_ignored =
        counter(registry, "glia_sync_api_dates_ignored_total",
                "Date headers that departed by more than a minute from what the answers before them said.");
    prom::Counter& waits = counter(registry, "glia_sync_api_rate_limit_waits_total",
                                   "Requests that had to wait for the rate limit or a place in flight.");
    prom::Counter& waited = counter(registry, "glia_sync_api_rate_limit_wait_seconds_total",
                                    "Time that requests waited for the rate limit or a place in flight.");
    prom::Counter& pages = counter(registry, "glia_sync_pages_total", "Pages of listings that were read.");
    prom::Counter& legs = counter(registry, "glia_sync_legs_total", "Legs that were written.");
    prom::Counter& database_retries = counter(registry, "glia_sync_database_retries_total",
                                              "Calls to the database that had to be made again.");
    prom::Histogram& commits = prom::BuildHistogram()
                                   .Name("glia_sync_commit_duration_seconds")
                                   .Help("Length of transactions that write engagements.")
                                   .Register(registry)
                                   .Add({}, kCommitBuckets);

    Impl() {
        // A counter that is there from the start at 0 shows its first increase.
        for (const char* outcome : {"new", "changed", "unchanged", "stale", "rejected", "forgotten"})
            engagements.Add({{"outcome", outcome}});
        for (const char* result : {"committed", "failed"}) transactions.Add({{"result", result}});
        for (const char* result : {"accepted", "refused"}) reloads.Add({{"result", result}});
        for (const Route route : kUsualRoutes) {
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
