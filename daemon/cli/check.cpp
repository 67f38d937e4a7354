#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "daemon/api/server_clock.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "daemon/cli/api_bootstrap.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/terminal.hpp"
#include "sinks/postgres/schema_script.hpp"

namespace glia::cli {
namespace {

// A person waits for the result: one retry only.
constexpr int kRetries = 1;

/// Prints a line per check and keeps the most severe exit reason. Hints do not affect it.
class Report {
  public:
    void good(const std::string& what) {
        std::cout << painted("ok", Paint::good, colour_) << "      " << printable(what) << std::endl;
    }
    void bad(const std::string& what, const ExitStatus& outcome) {
        std::cout << painted("FAILED", Paint::bad, colour_) << "  " << printable(what + ": " + outcome.error)
                  << std::endl;
        reason_ = std::max(reason_, outcome.reason);
    }
    void hint(const std::string& what) {
        std::cout << painted("hint", Paint::warn, colour_) << "    " << printable(what) << std::endl;
    }
    int code() const { return exit_code(reason_); }

  private:
    const bool colour_ = has_colour(STDOUT_FILENO);
    ExitReason reason_ = ExitReason::done;
};

void check_folder(Report& report, const std::string& what, const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    const std::string where = folder.empty() ? "." : folder;
    std::error_code error;
    if (std::filesystem::is_directory(file, error) && what == "state") {
        report.bad(what, {ExitReason::misconfigured,
                          file + " is a folder, not a file; is sink.ndjson.state right?"});
    } else if (access(where.c_str(), W_OK | X_OK) == 0) {
        report.good(what + ": " + file + " can be written");
    } else {
        report.bad(what, {ExitReason::misconfigured, where + " cannot be written (" +
                                                         std::generic_category().message(errno) +
                                                         "); is sink.ndjson right?"});
    }
}

/// Prints which undocumented members the API has begun to send, and where they are stored.
void hint_undocumented_members(Report& report, const std::vector<std::string>& members,
                               const std::string& where) {
    if (members.empty()) return;
    std::string names;
    for (const std::string& name : members) names += (names.empty() ? "" : ", ") + name;
    report.hint("documentation: in the last 7 days the API began to send undocumented members or types: " +
                names + "; they are stored in " + where);
}

/// Reads the new undocumented members from the state file. A missing or older state file has none, which is
/// not an error.
std::vector<std::string> new_undocumented_members(const Settings& settings) {
    std::vector<std::string> members;
    try {
        for (const UndocumentedStatus& member :
             open_sink(settings)->reports().status().undocumented_members) {
            if (member.is_new) members.push_back(member.path + " (" + member.kind + ")");
        }
    } catch (const SinkError&) {
        members.clear();
    }
    return members;
}

void check_files(Report& report, const Settings& settings) {
    if (settings.ndjson.path == "-") {
        report.good("lines: standard output");
    } else {
        check_folder(report, "lines", settings.ndjson.path);
    }
    check_folder(report, "state", settings.ndjson.state);
    hint_undocumented_members(report, new_undocumented_members(settings), "the member extra of the lines");
}

/// Checks that the folder, or the parent in which it will be created, is writable.
void check_recordings(Report& report, const std::string& directory) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::path there = directory;
    while (fs::symlink_status(there, error).type() == fs::file_type::not_found && there.has_relative_path())
        there = there.parent_path();
    const bool folder = fs::is_directory(there, error);
    if (folder && access(there.c_str(), W_OK | X_OK) == 0) {
        report.good("recordings: " + directory + " can be written");
        return;
    }
    report.bad("recordings",
               {ExitReason::misconfigured,
                there.string() +
                    (folder ? " cannot be written (" + std::generic_category().message(errno) + ")"
                            : std::string(" is not a folder")) +
                    "; is enrich.recordings.directory right?"});
}

void check_database(Report& report, const Settings& settings) {
    try {
        const postgres::Inspection seen = postgres::inspect(sink_settings(settings));
        const std::string schema = settings.postgres.schema;
        report.good("database: " + seen.database + " as " + seen.role + ", PostgreSQL " + seen.server);
        const int latest = postgres::latest_schema_version();
        const auto misconfigured = [](const std::string& text) {
            return ExitStatus{ExitReason::misconfigured, text};
        };
        if (seen.standby)
            report.bad("database",
                       misconfigured("it is a standby and read-only; name the primary in sink.postgres.dsn"));
        if (seen.read_only && !seen.standby)
            report.bad("database", misconfigured("default_transaction_read_only is on for role " + seen.role +
                                                 " or for " + seen.database +
                                                 ", so nothing can be written; ALTER ROLE or ALTER "
                                                 "DATABASE … RESET default_transaction_read_only"));
        if (seen.schema_version == latest) {
            report.good("schema: " + schema + " at version " + std::to_string(latest));
        } else if (seen.schema_version > latest) {
            report.bad("schema", misconfigured("version " + std::to_string(seen.schema_version) +
                                               " is newer than this program's " + std::to_string(latest) +
                                               "; upgrade glia-sync"));
        } else if (!settings.postgres.migrate_auto) {
            report.bad("schema",
                       misconfigured(schema + " is at version " + std::to_string(seen.schema_version) +
                                     " of " + std::to_string(latest) +
                                     "; run `glia-sync migrate` or give a DBA `glia-sync migrate --print`"));
        } else if (seen.may_create) {
            report.good("schema: " + schema + " will be brought to version " + std::to_string(latest) +
                        " by the first run");
        } else {
            report.bad(
                "schema",
                misconfigured("role " + seen.role + " may not create it in " + seen.database +
                              "; grant CREATE, or have a DBA run what `glia-sync migrate --print` prints"));
        }
        if (seen.missing_privileges) {
            report.bad("privileges",
                       misconfigured("role " + seen.role + " lacks " + *seen.missing_privileges +
                                     "; grant them on the tables of " + schema));
        } else if (seen.write_failure) {
            report.bad("privileges",
                       {seen.write_failure->may_pass ? ExitReason::unavailable : ExitReason::misconfigured,
                        "writing to the table " + seen.write_failure->table +
                            " fails: " + seen.write_failure->error});
        } else if (seen.schema_version > 0 && !seen.standby && !seen.read_only) {
            report.good("privileges: role " + seen.role + " can read and write every table");
        }
        hint_undocumented_members(report, seen.new_undocumented_members,
                                  "the columns extra (see the table undocumented_members)");
        if (seen.indexes) {
            report.hint("memory: the indexes of " + schema + " take " + *seen.indexes +
                        ", and PostgreSQL's shared_buffers are " + seen.shared_buffers +
                        ": loading slows down as the indexes grow; raise shared_buffers if you can "
                        "(OPERATIONS.md, Sizing)");
        }
    } catch (const SinkError& error) {
        report.bad("database", {exit_reason_of(error), error.what()});
    }
}

Task<int> check_api(Runtime& runtime, const Settings& settings, EngagementsApi& api, Report& report) {
    for (const std::string& site : settings.api.sites) {
        if (runtime.stopping()) co_return exit_code(ExitReason::stopped);
        // A minute back is enough to see whether the site is listed at all; its engagements do not matter
        // here.
        ListQuery query{site, api.server_now() - std::chrono::minutes{1}, std::nullopt, 1};
        const auto page = co_await api.list(query);
        if (page) {
            report.good("site " + site + ": the API answers and accepts the token");
            continue;
        }
        ExitStatus outcome{exit_reason_of(page.error()), page.error().message};
        if (page.error().kind == ApiError::Kind::forbidden) {
            outcome.error += settings.api.operator_ids.empty()
                                 ? "; the token has no access to this site, or lacks the manager role; if it "
                                   "lacks the role, name its own operator in api.operator_ids"
                                 : "; the token has no access to this site or to api.operator_ids";
        } else if (page.error().kind == ApiError::Kind::unavailable && page.error().status == 0) {
            outcome.error += "; are api.base_url, the network and api.proxy right?";
        } else if (page.error().kind == ApiError::Kind::not_found ||
                   page.error().kind == ApiError::Kind::refused) {
            outcome.error += "; are api.base_url and the site id right?";
        }
        report.bad("site " + site, outcome);
    }
    const auto ahead = api.clock_ahead_of_machine();
    if (ahead && std::chrono::abs(*ahead) > kClockTolerance) {
        // Rounds to minutes, because a Date has whole seconds and the offset is an estimate.
        const auto minutes = std::chrono::round<std::chrono::minutes>(std::chrono::abs(*ahead));
        report.hint("clock: the API's is " + short_duration(minutes) +
                    (ahead->count() > 0 ? " ahead of" : " behind") +
                    " this machine's; nothing is lost by that, but correct the one that is wrong (NTP)");
    } else if (ahead) {
        report.good("clock: the API's and this machine's agree");
    }
    co_return report.code();
}

}  // namespace

int check(const std::string& config) {
    return guarded([&] {
        Settings settings = load_settings(config);
        Report report;
        report.good("configuration: " + config);
        log::start({LogLevel::error, settings.log.format, {}});
        settings.sink == SinkType::ndjson ? check_files(report, settings) : check_database(report, settings);
        if (settings.enrich.recordings) check_recordings(report, settings.enrich.recordings_directory);
        settings.api.max_retries = std::min(settings.api.max_retries, kRetries);
        const auto ask = [&](Runtime& runtime, EngagementsApi& api) -> Task<int> {
            co_return co_await check_api(runtime, settings, api, report);
        };
        try {
            return run_with_api(config, settings, ask);
        } catch (const ConfigError& error) {
            report.bad("configuration", {ExitReason::misconfigured, error.what()});
            return report.code();
        }
    });
}

}  // namespace glia::cli
