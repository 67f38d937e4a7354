// The subcommands: each takes its options and returns an exit code of sysexits.h (DESIGN.md §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glia::cli {

inline constexpr int kUsage = 64;  ///< exit code: the command line is invalid (EX_USAGE)
inline constexpr const char* kDefaultConfig = "/etc/glia-sync/glia-sync.yaml";

struct BackfillOptions {
    std::string from;
    std::string to;
    std::vector<std::string> sites;
    std::string window = "1d";
    int concurrency = 4;
    bool restart = false;
    bool strict = false;
    std::string only;  ///< engagements, legs, transcripts, recordings or statistics; empty: everything
    bool dry_run = false;
};

struct RejectsOptions {
    std::vector<std::int64_t> ids;
    std::string site;
    bool all = false;
    bool json = false;
    bool strict = false;
};

struct EngagementOptions {
    std::string id;
    std::string reason;
    bool yes = false;
    bool json = false;
};

struct ForgetOptions {
    std::string visitor;
    std::string engagement;
    std::string operator_id;
    std::string file = "-";  ///< the tombstone file to export or import
    bool yes = false;
};

struct SampleOptions {
    std::vector<std::string> sites;  ///< empty: all of the configuration
    std::int64_t limit = 10;
};

struct VerifyOptions {
    std::string from;
    std::string to;
    std::vector<std::string> sites;  ///< empty: all of the configuration
    std::string legs = "1%";         ///< share of the engagements whose legs are read again
    std::string differences;         ///< a file, one line for each difference; empty: none
    bool repair = false;
    bool json = false;
};

int run(const std::string& config, bool once, bool strict);
int backfill(const std::string& config, const BackfillOptions& options);
/// Compares the tables with the source.
int verify(const std::string& config, const VerifyOptions& options);
int check(const std::string& config);
int migrate(const std::string& config, bool print);
int status(const std::string& config, bool json);
/// Prints one line for a monitor. Returns the exit codes of monitoring plug-ins, not those of sysexits.h: 0
/// in order, 1 warning, 2 critical, 3 unknown.
int status_check(const std::string& config);
/// Prints the last `limit` rows of sync_runs.
int runs(const std::string& config, std::int64_t limit, bool json);
/// Prints engagements as they would be stored, and stores nothing.
int sample(const std::string& config, const SampleOptions& options);
int reset(const std::string& config, const std::string& site, const std::string& to);
int rejects_list(const std::string& config, const RejectsOptions& options);
int rejects_show(const std::string& config, const RejectsOptions& options);
int rejects_retry(const std::string& config, const RejectsOptions& options);
int engagement_get(const std::string& config, const EngagementOptions& options);
int engagement_end(const std::string& config, const EngagementOptions& options);
int engagement_export(const std::string& config, const EngagementOptions& options);
int queue_wait(const std::string& config, bool json);
/// Prints how many erased engagements have recordings that are still to be deleted; nothing if there are
/// none.
void print_files_left(std::int64_t engagements);
int forget(const std::string& config, const ForgetOptions& options);
int forget_export(const std::string& config, const ForgetOptions& options);
int forget_import(const std::string& config, const ForgetOptions& options);
int config_check(const std::string& config);
int config_show(const std::string& config);

/// One error is one line on standard error: `glia-sync: what, where, what to do`.
void complain(const std::string& line);

}  // namespace glia::cli
