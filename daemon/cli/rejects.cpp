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
#include "daemon/sync/schedule.hpp"
#include "daemon/sync/statistics.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

bool is_of_engagement(const RejectedRow& row) {
    return record_source_named(row.source).has_value();
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
    ExitStatus outcome;   ///< other than `done` if the command must end: the failure is not the record's own
};

/// Loads a record again: from the API if its engagement's id is known, otherwise from the stored payload.
Task<Retried> retry_one(Instance& instance, const RejectedRow& row) {
    Retried result;
    Batch batch;
    const std::string site = row.site_id.value_or("");
    const SyncSettings& sync = instance.settings.sync;
    if (row.engagement_id) {
        auto fetched = co_await instance.api.get(*row.engagement_id);
        if (!fetched) {
            const ApiError& error = fetched.error();
            result.failure = error.message;
            const bool about_the_record =
                error.kind == ApiError::Kind::not_found || error.kind == ApiError::Kind::refused;
            if (!about_the_record) result.outcome = {exit_reason_of(error), error.message};
            co_return result;
        }
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

/// Requests again the intervals that the statistics among `rows` belong to, each once. Returns the intervals
/// that could not be read, with the reason.
Task<std::map<std::string, std::string>> read_statistics_of(Instance& instance,
                                                            const std::vector<RejectedRow>& rows,
                                                            ExitStatus& outcome) {
    std::map<std::string, std::string> failures;
    std::set<std::string> read;
    for (const RejectedRow& row : rows) {
        const auto rejected = rejected_statistics(row.source);
        const std::string interval = interval_of(row);
        if (!rejected || outcome.reason != ExitReason::done || !read.insert(interval).second) continue;
        const ExitStatus one = co_await read_statistics_again(instance, row.site_id.value_or(""), *rejected);
        if (one.reason != ExitReason::done) failures.emplace(interval, one.error);
        if (one.reason != ExitReason::rejected) outcome.merge(one);
    }
    co_return failures;
}

/// Reads again the listings of operators, sites and queues and the intervals of statistics that `rows` come
/// from, which resolves the records that can be read now. Prints the result for each record and returns how
/// many are still rejected.
Task<std::int64_t> retry_listed(Instance& instance, const std::vector<RejectedRow>& rows,
                                ExitStatus& outcome) {
    std::int64_t failed = 0;
    if (rows.empty()) co_return failed;
    const auto failures = co_await read_statistics_of(instance, rows, outcome);
    std::int64_t unreadable = 0;
    outcome.merge(co_await read_directory_once(instance, unreadable));
    for (const RejectedRow& row : rows) {
        RejectedQuery query;
        query.ids = {row.id};
        const auto find = [query](Sink& sink) { return sink.rejects().find(query); };
        const std::vector<RejectedRow> open = co_await instance.sink_pool.run(find);
        if (open.empty()) {
            std::cout << row.id << ": no longer rejected by " << printable(row.source) << std::endl;
            continue;
        }
        ++failed;
        std::string reason = open.front().reason;
        if (const auto failure = failures.find(interval_of(row)); failure != failures.end())
            reason = failure->second;
        else if (!rejected_statistics(row.source) && !instance.settings.directory.enabled)
            reason += "; names are not read (directory.enabled: false)";
        std::cout << row.id << ": still rejected: " << printable(reason) << std::endl;
    }
    co_return failed;
}

Task<int> retry_all(Instance& instance, const RejectsOptions& options) {
    const auto query = query_of(instance.settings, options);
    if (!query) co_return kUsage;
    const auto find = [query = *query](Sink& sink) { return sink.rejects().find(query); };
    std::vector<RejectedRow> rows = co_await instance.sink_pool.run(find);
    for (const std::int64_t id : options.ids) {
        const bool found =
            std::any_of(rows.begin(), rows.end(), [&](const RejectedRow& row) { return row.id == id; });
        if (!found) {
            complain("there is no unresolved rejected record " + std::to_string(id) +
                     "; see `glia-sync rejects list`");
            co_return kUsage;
        }
    }
    ExitStatus outcome;
    const auto listed = std::stable_partition(rows.begin(), rows.end(), is_of_engagement);
    const std::vector<RejectedRow> of_listings(listed, rows.end());
    rows.erase(listed, rows.end());
    std::int64_t failed = co_await retry_listed(instance, of_listings, outcome);
    std::int64_t loaded = static_cast<std::int64_t>(of_listings.size()) - failed;
    for (const RejectedRow& row : rows) {
        Retried result = co_await retry_one(instance, row);
        if (!result.loaded) {
            ++failed;
            std::cout << row.id << ": still rejected: " << printable(result.failure) << std::endl;
            outcome.merge(result.outcome);
            if (result.outcome.reason != ExitReason::done) break;  // the next one would fail as well
            continue;
        }
        auto batch = std::make_shared<Batch>();
        batch->engagements.push_back(std::move(*result.loaded));
        const auto write = [batch, id = row.id](Sink& sink) {
            sink.commit(*batch, std::nullopt);
            sink.rejects().resolve(id);
        };
        co_await instance.sink_pool.run(write);
        ++loaded;
        std::cout << row.id << ": loaded as engagement "
                  << printable(batch->engagements.front().engagement.id.str()) << std::endl;
    }
    std::cout << "rejects: " << loaded << " loaded, " << failed << " still rejected" << std::endl;
    if (options.strict && failed > 0) {
        outcome.merge({ExitReason::rejected, std::to_string(failed) + " records are still rejected"});
    }
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
        if (std::any_of(rows.begin(), rows.end(), [&](const RejectedRow& row) { return row.id == id; }))
            continue;
        complain("there is no rejected record " + std::to_string(id) +
                 "; see `glia-sync rejects list --all`");
        return std::nullopt;
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
