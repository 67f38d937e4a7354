// reset, rejects list|show|retry: correct a site or a record that failed.
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "daemon/base/json_values.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/sync/directory.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/rejects_retry.hpp"
#include "daemon/sync/schedule.hpp"
#include "daemon/sync/statistics.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

bool is_of_engagement(const RejectedRow& row) {
    return record_source_named(row.source).has_value();
}

bool has(const std::vector<RejectedRow>& rows, std::int64_t id) {
    return std::any_of(rows.begin(), rows.end(), [id](const RejectedRow& row) { return row.id == id; });
}

boost::json::value record_json(const RejectedRow& row) {
    return {{"id", row.id},
            {"site_id", to_json(row.site_id)},
            {"engagement_id", to_json(row.engagement_id)},
            {"source", row.source},
            {"reason", row.reason},
            {"first_seen_at", to_json(OptionalInstant{row.first_seen_at})},
            {"last_seen_at", to_json(OptionalInstant{row.last_seen_at})},
            {"times_seen", row.times_seen},
            {"resolved_at", to_json(row.resolved_at)},
            {"payload", row.payload}};
}

/// Builds the query from the options. If the site is unknown or ambiguous, prints an error and returns none.
std::optional<RejectedQuery> query_of(const Settings& settings, const RejectsOptions& options) {
    RejectedQuery query;
    query.ids = options.ids;
    query.limit = std::max(query.limit, static_cast<std::int64_t>(query.ids.size()));
    query.resolved_too = options.all;
    if (options.site.empty()) return query;
    const auto site = stored_site_id_of(settings, options.site);
    if (!site) return std::nullopt;
    query.site_id = *site;
    return query;
}

/// The result of retrying one record.
struct Retried {
    std::optional<FetchedEngagement> loaded;
    std::string failure;  ///< why it could not be loaded
};

/// Loads a record again: from the API if its engagement's id is known, otherwise from the stored payload.
Task<Retried> retry_one(Instance& instance, const RejectedRow& row, RejectsRetry& retry) {
    Retried result;
    Batch batch;
    const std::string site = row.site_id.value_or("");
    const SyncSettings& sync = instance.settings.sync;
    if (row.engagement_id) {
        auto fetched = co_await instance.api.get(*row.engagement_id);
        if (!fetched) {
            result.failure = fetched.error().message;
            retry.on_error(fetched.error());
            co_return result;
        }
        retry.on_response();
        ParsedDetail& detail = fetched.value().detail;
        if (!detail.engagement) {
            result.failure = detail.rejected->reason;
            co_return result;
        }
        add_to_batch(batch, std::move(*detail.engagement), RecordSource::detail, fetched.value().asked(),
                     site, sync);
    } else {
        EngagementParser parser(instance.api.privacy());
        std::string body = row.payload;
        auto parsed = parser.detail(body);
        if (!parsed.value || !parsed.value->engagement) {
            result.failure = parsed.value ? parsed.value->rejected->reason : parsed.failure.reason;
            co_return result;
        }
        // The payload is as old as first_seen_at, so that any later response takes precedence.
        const RecordSource source = record_source_named(row.source).value();
        add_to_batch(batch, std::move(*parsed.value->engagement), source, AskedAt{row.first_seen_at}, site,
                     sync);
    }
    if (batch.engagements.empty()) {
        result.failure = "it is older than `retention` allows";
        co_return result;
    }
    result.loaded = std::move(batch.engagements.front());
    co_return result;
}

/// Identifies the response that a record of statistics comes from.
std::string interval_of(const RejectedRow& row) {
    return row.site_id.value_or("") + " " + row.source;
}

/// One run of `rejects retry`.
class RetryRun {
  public:
    RetryRun(Instance& instance, RejectedQuery query) : instance_(instance), query_(std::move(query)) {}

    /// The numbers of the records to retry.
    Task<std::vector<std::int64_t>> find_ids() {
        const auto find = [query = query_](Sink& sink) { return sink.rejects().ids(query); };
        co_return co_await instance_.sink_pool.run(find);
    }

    /// Tries each record once. Holds the payloads of `query.limit` records at most.
    Task<> retry(std::vector<std::int64_t> ids) {
        const auto limit = static_cast<std::size_t>(query_.limit);
        for (std::size_t first = 0; first < ids.size() && !retry_.is_over(); first += limit) {
            const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(first);
            const auto count = std::min(limit, ids.size() - first);
            std::vector<std::int64_t> some(begin, begin + static_cast<std::ptrdiff_t>(count));
            co_await retry_some(std::move(some));
        }
        not_tried_ = static_cast<std::int64_t>(ids.size()) - loaded_ - failed_;
    }

    /// Prints the totals. Returns the exit status.
    ExitStatus report(bool strict) const {
        std::cout << "rejects: " << loaded_ << " loaded, " << failed_ << " still rejected";
        if (not_tried_ > 0) std::cout << ", " << not_tried_ << " not tried";
        std::cout << std::endl;
        ExitStatus outcome = retry_.outcome();
        if (const std::int64_t left = failed_ + not_tried_; strict && left > 0)
            outcome.merge({ExitReason::rejected, std::to_string(left) + " records are still rejected"});
        return outcome;
    }

  private:
    Task<std::vector<RejectedRow>> find(std::vector<std::int64_t> ids) {
        RejectedQuery query = query_;
        query.ids = std::move(ids);
        const auto find = [query](Sink& sink) { return sink.rejects().find(query); };
        co_return co_await instance_.sink_pool.run(find);
    }

    Task<> retry_some(std::vector<std::int64_t> ids) {
        std::vector<RejectedRow> rows = co_await find(ids);
        for (const std::int64_t id : ids) {
            // An earlier record of this run, or the service, has resolved it.
            if (!has(rows, id)) print_resolved(id, "");
        }
        const auto listed = std::stable_partition(rows.begin(), rows.end(), is_of_engagement);
        const std::vector<RejectedRow> of_listings(listed, rows.end());
        rows.erase(listed, rows.end());
        co_await retry_listed(of_listings);
        for (const RejectedRow& row : rows) {
            if (retry_.is_over()) break;
            co_await retry_engagement(row);
        }
    }

    /// Requests again the intervals that the statistics among `rows` belong to, each once, and keeps the
    /// reasons why some could not be read.
    Task<> read_statistics_of(const std::vector<RejectedRow>& rows) {
        for (const RejectedRow& row : rows) {
            const auto rejected = rejected_statistics(row.source);
            const std::string interval = interval_of(row), site = row.site_id.value_or("");
            if (!rejected || instance_.scope.cancelled() || !intervals_.insert(interval).second) continue;
            if (const std::string* failure = retry_.failure_of(site, rejected->source)) {
                failures_.emplace(interval, *failure);
                continue;
            }
            const ExitStatus one = co_await read_statistics_again(instance_, site, *rejected);
            if (one.reason != ExitReason::done) failures_.emplace(interval, one.error);
            retry_.on_interval(site, rejected->source, one);
        }
    }

    /// Reads again the listings of operators, sites and queues, once, and the intervals of statistics that
    /// `rows` come from, which resolves the records that can be read now.
    Task<> retry_listed(const std::vector<RejectedRow>& rows) {
        if (rows.empty()) co_return;
        co_await read_statistics_of(rows);
        if (!std::exchange(directory_read_, true)) {
            std::int64_t unreadable = 0;
            retry_.on_directory(co_await read_directory_once(instance_, unreadable));
        }
        for (const RejectedRow& row : rows) {
            std::vector<std::int64_t> id(1, row.id);
            const std::vector<RejectedRow> open = co_await find(std::move(id));
            if (open.empty()) {
                print_resolved(row.id, " by " + row.source);
                continue;
            }
            std::string reason = open.front().reason;
            if (const auto failure = failures_.find(interval_of(row)); failure != failures_.end())
                reason = failure->second;
            else if (!rejected_statistics(row.source) && !instance_.settings.directory.enabled)
                reason += "; names are not read (directory.enabled: false)";
            print_failed(row.id, reason);
        }
    }

    Task<> retry_engagement(const RejectedRow& row) {
        Retried result = co_await retry_one(instance_, row, retry_);
        if (!result.loaded) co_return print_failed(row.id, result.failure);
        auto batch = std::make_shared<Batch>();
        batch->engagements.push_back(std::move(*result.loaded));
        const auto write = [batch, id = row.id](Sink& sink) {
            sink.commit(*batch, std::nullopt);
            sink.rejects().resolve(id);
        };
        co_await instance_.sink_pool.run(write);
        ++loaded_;
        std::cout << row.id << ": loaded as engagement "
                  << printable(batch->engagements.front().engagement.id.str()) << std::endl;
    }

    void print_resolved(std::int64_t id, const std::string& by) {
        ++loaded_;
        std::cout << id << ": no longer rejected" << printable(by) << std::endl;
    }
    void print_failed(std::int64_t id, const std::string& reason) {
        ++failed_;
        std::cout << id << ": still rejected: " << printable(reason) << std::endl;
    }

    Instance& instance_;
    const RejectedQuery query_;
    RejectsRetry retry_;
    std::set<std::string> intervals_;  // tried in this run
    std::map<std::string, std::string> failures_;
    bool directory_read_ = false;
    std::int64_t loaded_ = 0;
    std::int64_t failed_ = 0;
    std::int64_t not_tried_ = 0;
};

Task<int> retry_all(Instance& instance, const RejectsOptions& options) {
    const auto query = query_of(instance.settings, options);
    if (!query) co_return kUsage;
    RetryRun run(instance, *query);
    const std::vector<std::int64_t> ids = co_await run.find_ids();
    for (const std::int64_t id : options.ids) {
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
            complain("there is no unresolved rejected record " + std::to_string(id) +
                     "; see `glia-sync rejects list`");
            co_return kUsage;
        }
    }
    co_await run.retry(ids);
    const ExitStatus outcome = run.report(options.strict);
    if (outcome.reason != ExitReason::done) complain(outcome.error);
    co_return exit_code(outcome.reason);
}

/// Returns the requested records. Prints an error and returns none if one of them does not exist.
std::optional<std::vector<RejectedRow>> find_rejected(const std::string& config,
                                                      const RejectsOptions& options) {
    const Settings settings = load_settings(config);
    const auto sink = open_sink(settings);
    sink->require_schema();
    const auto query = query_of(settings, options);
    if (!query) return std::nullopt;
    auto rows = sink->rejects().find(*query);
    for (const std::int64_t id : options.ids) {
        if (has(rows, id)) continue;
        complain("there is no rejected record " + std::to_string(id) +
                 "; see `glia-sync rejects list --all`");
        return std::nullopt;
    }
    if (rows.size() == static_cast<std::size_t>(query->limit)) {
        const std::size_t all = sink->rejects().ids(*query).size();
        if (all > rows.size())
            std::cerr << "only the newest " << rows.size() << " of " << all << " records are shown\n";
    }
    return rows;
}

void print_json(const std::vector<RejectedRow>& rows) {
    boost::json::array records;
    for (const RejectedRow& row : rows) records.push_back(record_json(row));
    std::cout << printable_json(boost::json::serialize(records) + "\n");
}

}  // namespace

int rejects_list(const std::string& config, const RejectsOptions& options) {
    return guarded([&] {
        const auto rows = find_rejected(config, options);
        if (!rows) return kUsage;
        if (options.json) {
            print_json(*rows);
            return 0;
        }
        for (const RejectedRow& row : *rows) {
            std::cout << row.id << "  " << second_of(row.last_seen_at) << "  seen " << row.times_seen << "x  "
                      << printable(row.source) << "  site " << printable(row.site_id.value_or("-"))
                      << "  engagement " << printable(row.engagement_id.value_or("-")) << "  "
                      << printable(row.reason)
                      << (row.resolved_at ? "  (loaded " + second_of(*row.resolved_at) + ")" : std::string())
                      << "\n";
        }
        if (rows->empty()) std::cout << "no rejected records\n";
        return 0;
    });
}

int rejects_show(const std::string& config, const RejectsOptions& options) {
    return guarded([&] {
        RejectsOptions wanted = options;
        wanted.all = true;
        const auto rows = find_rejected(config, wanted);
        if (!rows) return kUsage;
        if (options.json) {
            print_json(*rows);
            return 0;
        }
        for (const RejectedRow& row : *rows) {
            std::cout << "record      " << row.id << "\nsite        " << printable(row.site_id.value_or("-"))
                      << "\nengagement  " << printable(row.engagement_id.value_or("-")) << "\nsource      "
                      << printable(row.source) << "\nreason      " << printable(row.reason)
                      << "\nfirst seen  " << second_of(row.first_seen_at) << "\nlast seen   "
                      << second_of(row.last_seen_at) << "  (" << row.times_seen << "x)\nloaded      "
                      << (row.resolved_at ? second_of(*row.resolved_at) : "not yet") << "\n"
                      << printable_lines(row.payload) << "\n";
        }
        return 0;
    });
}

int rejects_retry(const std::string& config, const RejectsOptions& options) {
    static constexpr int kConnections = 2;
    return with_instance(config, kConnections, [options](Instance& instance) -> Task<int> {
        std::optional<SinkError> failure;
        int code = 0;
        try {
            code = co_await retry_all(instance, options);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) co_return code;
        complain(failure->what());
        co_return exit_code(instance.exit_status_of(*failure).reason);
    });
}

int reset(const std::string& config, const std::string& wanted, const std::string& to) {
    return guarded([&] {
        const auto time = parse_timestamp(to);
        if (!time) {
            complain("--to: " + to + " is not a time; write it like 2024-01-01 or 2024-01-01T00:00:00Z");
            return kUsage;
        }
        if (*time < kEarliestStart) {
            complain("--to: " + to + " is before " + to_iso8601(kEarliestStart) +
                     ", and nothing is older than that; write --to 1970-01-01 to read everything again");
            return kUsage;
        }
        const Settings settings = load_settings(config);
        const auto found = site_id_of(settings, wanted);
        if (!found) return kUsage;
        const std::string& site = *found;
        const auto sink = open_sink(settings);
        sink->require_schema();
        const ResetResult result = sink->site_leases().reset({site}, *time);
        if (!result.known) {
            std::cout << "site " << site
                      << " has no checkpoint yet; its first pass begins at sync.start_from, "
                      << to_iso8601(settings.sync.start_from) << "\n";
            return 0;
        }
        if (!result.moved) {
            complain("--to: the checkpoint of site " + site + " is " + to_iso8601(*result.before) +
                     " and can only be moved back; nothing was changed");
            return kUsage;
        }
        std::cout << "site " << site << ": checkpoint moved from " << to_iso8601(*result.before)
                  << " back to " << to_iso8601(*time)
                  << "; the next pass reads from there, less sync.overlap\n";
        return 0;
    });
}

}  // namespace glia::cli
