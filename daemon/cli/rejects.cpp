// reset, rejects list|show|retry: what a person does about a site or a record that went wrong.
#include <algorithm>
#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/json_values.hpp"
#include "daemon/cli/session.hpp"
#include "daemon/cli/site_names.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/timestamp.hpp"

namespace glia::cli {
namespace {

constexpr int kUsage = 64;
constexpr int kConnections = 2;

const char* source_name(const RejectedRow& row) {
    return row.source == RecordSource::list ? "list" : "detail";
}

std::string to_json(const RejectedRow& row) {
    return "{\"id\":" + std::to_string(row.id) + ",\"site_id\":" + json(row.site_id) +
           ",\"engagement_id\":" + json(row.engagement_id) + ",\"source\":\"" + source_name(row) +
           "\",\"reason\":" + json_quote(row.reason) +
           ",\"first_seen_at\":" + json(OptionalInstant{row.first_seen_at}) +
           ",\"last_seen_at\":" + json(OptionalInstant{row.last_seen_at}) +
           ",\"times_seen\":" + std::to_string(row.times_seen) + ",\"resolved_at\":" + json(row.resolved_at) +
           ",\"payload\":" + json_quote(row.payload) + "}";
}

RejectedQuery query_of(const RejectsOptions& options) {
    RejectedQuery query;
    query.ids = options.ids;
    query.site_id = options.site;
    query.resolved_too = options.all;
    return query;
}

/// How one record fared.
struct Retried {
    std::optional<FetchedEngagement> loaded;
    std::string failure;  ///< why it could not be loaded
    Outcome outcome;      ///< what that means for the command
};

/// A record whose engagement is known is fetched anew; of the others there is only what was received.
Task<Retried> retry_one(Engine& engine, const RejectedRow& row) {
    Retried result;
    Batch batch;
    const std::string site = row.site_id.value_or("");
    const SyncSettings& sync = engine.settings.sync;
    if (row.engagement_id) {
        auto fetched = co_await engine.api.get(*row.engagement_id);
        if (!fetched) {
            const ApiError& error = fetched.error();
            result.failure = error.message;
            const bool about_the_record =
                error.kind == ApiError::Kind::not_found || error.kind == ApiError::Kind::refused;
            if (!about_the_record) result.outcome = {ending_of(error), error.message};
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
        EngagementParser parser(engine.api.privacy());
        std::string body = row.payload;
        auto parsed = parser.detail(body);
        if (!parsed.value || !parsed.value->engagement) {
            result.failure = parsed.value ? parsed.value->rejected->reason : parsed.failure.reason;
            co_return result;
        }
        // It was asked for before it was first met; anything that was fetched since counts more.
        add_to_batch(batch, std::move(*parsed.value->engagement), row.source, AskedAt{row.first_seen_at},
                     site, sync);
    }
    if (batch.engagements.empty()) {
        result.failure = "it is older than `retention` allows";
        co_return result;
    }
    result.loaded = std::move(batch.engagements.front());
    co_return result;
}

Task<int> retry_all(Engine& engine, const RejectsOptions& options) {
    const RejectedQuery query = query_of(options);
    const auto find = [query](Sink& sink) { return sink.rejects().find(query); };
    const std::vector<RejectedRow> rows = co_await engine.store.run(find);
    for (const std::int64_t id : options.ids) {
        const bool found =
            std::any_of(rows.begin(), rows.end(), [&](const RejectedRow& row) { return row.id == id; });
        if (!found) {
            complain("there is no unsettled rejected record " + std::to_string(id) +
                     "; see `glia-sync rejects list`");
            co_return kUsage;
        }
    }
    Outcome outcome;
    std::int64_t loaded = 0;
    std::int64_t failed = 0;
    for (const RejectedRow& row : rows) {
        Retried result = co_await retry_one(engine, row);
        if (!result.loaded) {
            ++failed;
            std::cout << row.id << ": still rejected: " << printable(result.failure) << std::endl;
            outcome.merge(result.outcome);
            if (result.outcome.ending != Ending::done) break;  // the next one would fare no better
            continue;
        }
        auto batch = std::make_shared<Batch>();
        batch->engagements.push_back(std::move(*result.loaded));
        const auto write = [batch, id = row.id](Sink& sink) {
            sink.commit(*batch, std::nullopt);
            sink.rejects().resolve(id);
        };
        co_await engine.store.run(write);
        ++loaded;
        std::cout << row.id << ": loaded as engagement "
                  << printable(batch->engagements.front().engagement.id.str()) << std::endl;
    }
    std::cout << "rejects: " << loaded << " loaded, " << failed << " still rejected" << std::endl;
    if (options.strict && failed > 0) {
        outcome.merge({Ending::rejected, std::to_string(failed) + " records are still rejected"});
    }
    if (outcome.ending != Ending::done) complain(outcome.error);
    co_return exit_code(outcome.ending);
}

/// The records that were asked for; complains, and none, if one of them does not exist.
std::optional<std::vector<RejectedRow>> find_rejected(const std::string& config,
                                                      const RejectsOptions& options) {
    const Settings settings = load_settings(config);
    const auto sink = open_sink(settings);
    sink->require_schema();
    auto rows = sink->rejects().find(query_of(options));
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
    std::cout << "[";
    for (std::size_t i = 0; i < rows.size(); ++i)
        std::cout << (i ? ",\n " : "") << printable_json(to_json(rows[i]));
    std::cout << "]\n";
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
                      << source_name(row) << "  site " << printable(row.site_id.value_or("-"))
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
                      << source_name(row) << "\nreason      " << printable(row.reason) << "\nfirst seen  "
                      << second_of(row.first_seen_at) << "\nlast seen   " << second_of(row.last_seen_at)
                      << "  (" << row.times_seen << "x)\nloaded      "
                      << (row.resolved_at ? second_of(*row.resolved_at) : "not yet") << "\n"
                      << printable_lines(row.payload) << "\n";
        }
        return 0;
    });
}

int rejects_retry(const std::string& config, const RejectsOptions& options) {
    return with_engine(config, kConnections, [options](Engine& engine) -> Task<int> {
        std::optional<SinkError> failure;
        int code = 0;
        try {
            code = co_await retry_all(engine, options);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) co_return code;
        complain(failure->what());
        co_return exit_code(engine.outcome_of(*failure).ending);
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
