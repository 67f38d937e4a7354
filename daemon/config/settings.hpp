// The configuration as plain values (DESIGN.md §2), and functions that read, check and show it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/environment.hpp"
#include "daemon/base/log.hpp"
#include "daemon/config/config_error.hpp"
#include "daemon/config/listen_address.hpp"
#include "daemon/config/privacy_levels.hpp"
#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Where the bearer token comes from. Exactly one is set: `token_file`, `token_env`, or both `api_key_…`
/// files.
struct AuthSettings {
    std::string token_file;
    std::string token_env;
    std::string api_key_id_file;
    std::string api_key_secret_file;
    bool operator==(const AuthSettings&) const = default;
};

struct ApiSettings {
    std::string base_url;
    bool allow_insecure = false;
    std::vector<std::string> trusted_origins;
    AuthSettings auth;
    std::vector<std::string> sites;
    std::vector<std::string> operator_ids;
    int per_page = 100;
    int max_in_flight = 8;
    std::optional<double> rate_limit;  ///< requests per second; 0: none; nullopt: auto
    Milliseconds connect_timeout{10'000};
    Milliseconds request_timeout{60'000};
    int max_retries = 8;
    std::string ca_file;
    std::string proxy;
    bool operator==(const ApiSettings&) const = default;
};

/// A revisit tier: every `every`, the last `back` is read again.
struct TierSettings {
    Milliseconds every{};
    Milliseconds back{};
    bool operator==(const TierSettings&) const = default;
};

struct SyncSettings {
    Instant start_from{};
    Milliseconds poll_every{60'000};
    Milliseconds overlap{600'000};
    std::vector<TierSettings> revisit;
    std::optional<Milliseconds> retention;  ///< engagements older than that are erased; none: kept for ever
    bool operator==(const SyncSettings&) const = default;
};

struct PostgresSettings {
    std::string dsn;
    std::string dsn_file;
    std::string schema = "glia";
    bool migrate_auto = true;
    bool operator==(const PostgresSettings&) const = default;
};

/// The sink that writes JSON lines.
struct NdjsonSettings {
    std::string path = "-";  ///< "-": standard output; else the path from which files get their names
    std::string state;       ///< the state file; never empty after the settings were read
    int rotate_mb = 256;
    Milliseconds rotate_every{3'600'000};
    bool operator==(const NdjsonSettings&) const = default;
};

enum class SinkType { postgres, ndjson };

/// The enrichers, which fetch further data for engagements. Each is off by default.
struct EnrichSettings {
    bool queue_wait = false;
    Milliseconds queue_wait_every{60'000};
    std::string queue_wait_token_file;  ///< a visitor's token; empty: the token of api.auth
    bool transcripts = false;
    bool recordings = false;
    std::string recordings_directory;
    bool operator==(const EnrichSettings&) const = default;
};

/// The configured name and time zone of a site that the token may not read.
struct SiteNameSettings {
    std::string name;
    std::string time_zone;  ///< an IANA name, or one of the API's
    bool operator==(const SiteNameSettings&) const = default;
};

/// The listings of operators, sites and queues.
struct DirectorySettings {
    bool enabled = true;
    Milliseconds every{6 * 3'600'000};
    std::map<std::string, SiteNameSettings> sites;  ///< by site id
    bool operator==(const DirectorySettings&) const = default;
};

/// Interval statistics of the source.
struct StatisticsSettings {
    bool enabled = false;
    Milliseconds interval{30 * 60'000};  ///< a day is a multiple of it
    std::vector<TierSettings> revisit;
    bool operator==(const StatisticsSettings&) const = default;
};

/// How personal data is treated. `key_file` holds the HMAC key.
struct PrivacySettings {
    PrivacyLevels levels;
    std::string key_file;
    bool operator==(const PrivacySettings&) const = default;
};

struct Settings {
    ApiSettings api;
    SyncSettings sync;
    SinkType sink = SinkType::postgres;
    PostgresSettings postgres;
    NdjsonSettings ndjson;
    DirectorySettings directory;
    StatisticsSettings statistics;
    EnrichSettings enrich;
    PrivacySettings privacy;
    LogSettings log;
    std::optional<ListenAddress> admin_listen;     ///< none: off
    std::vector<std::string> admin_allowed_hosts;  ///< further host names that requests may use
    bool operator==(const Settings&) const = default;
};

/// Reads and validates a configuration file. Throws ConfigError with all errors.
Settings load_settings(const std::string& file, Environment environment = process_environment);
/// The same for a text. Errors name it `file`.
Settings parse_settings(const std::string& text, const std::string& file,
                        Environment environment = process_environment);

/// The effective configuration as YAML; a password in the DSN, a URL or a proxy is masked.
std::string show_settings(const Settings& settings);

/// True if records go to standard output: then nothing else may be written there.
inline bool writes_to_stdout(const Settings& settings) {
    return settings.sink == SinkType::ndjson && settings.ndjson.path == "-";
}

/// Returns the DSN from `dsn` or `dsn_file`. In the file, blank lines and lines that begin with # are
/// ignored. Throws ConfigError if the file cannot be read, or if no connection can ever succeed: the DSN, a
/// file or a service that it names, or libpq's environment is wrong.
std::string resolve_dsn(const PostgresSettings& settings);

/// Returns the HMAC key; empty if no level is `hash`. Throws std::runtime_error with one line if the key file
/// is unusable.
std::string read_privacy_key(const PrivacySettings& settings);

}  // namespace glia
