// The subcommands: each takes its options and returns an exit code of sysexits.h (DESIGN.md §1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glia::cli {

inline constexpr const char* kDefaultConfig = "/etc/glia-sync/glia-sync.yaml";

struct BackfillOptions {
    std::string from;
    std::string to;
    std::vector<std::string> sites;
    std::string window = "1d";
    int concurrency = 4;
    bool restart = false;
    bool strict = false;
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
    std::string employee;    ///< an operator
    std::string file = "-";  ///< of tombstones, to export or to import
    bool yes = false;
};

struct SampleOptions {
    std::vector<std::string> sites;  ///< empty: all of the configuration
    std::int64_t limit = 10;
};

int run(const std::string& config, bool once, bool strict);
int backfill(const std::string& config, const BackfillOptions& options);
int check(const std::string& config);
int migrate(const std::string& config, bool print);
int status(const std::string& config, bool json);
/// The last `limit` rows of sync_runs.
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
/// Tells of erased engagements whose recordings are still to be deleted; prints nothing if there are none.
void print_files_left(std::int64_t engagements);
int forget(const std::string& config, const ForgetOptions& options);
int forget_export(const std::string& config, const ForgetOptions& options);
int forget_import(const std::string& config, const ForgetOptions& options);
int config_check(const std::string& config);
int config_show(const std::string& config);

/// One error is one line on standard error: `glia-sync: what, where, what to do`.
void complain(const std::string& line);

}  // namespace glia::cli
