// The configuration as plain values (DESIGN.md §2), and how it is read, checked and shown.
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

/// Exactly one of the three ways is set.
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

/// A revisit tier: every so often, re-read so far back.
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

/// The sink without a database.
struct NdjsonSettings {
    std::string path = "-";  ///< "-": standard output; else what files are named after
    std::string state;       ///< the state file; never empty once settings are read
    int rotate_mb = 256;
    Milliseconds rotate_every{3'600'000};
    bool operator==(const NdjsonSettings&) const = default;
};

enum class SinkType { postgres, ndjson };

/// What is fetched beside engagements and legs; each is off by default.
struct EnrichSettings {
    bool queue_wait = false;
    Milliseconds queue_wait_every{60'000};
    std::string queue_wait_token_file;  ///< a visitor's token; empty: the token of api.auth
    bool transcripts = false;
    bool recordings = false;
    std::string recordings_directory;
    bool operator==(const EnrichSettings&) const = default;
};

/// What the configuration tells of a site whose names the token may not read.
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

/// What of a visitor and of an operator is kept; `key_file` holds the HMAC's key.
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
    EnrichSettings enrich;
    PrivacySettings privacy;
    LogSettings log;
    std::optional<ListenAddress> admin_listen;     ///< none: off
    std::vector<std::string> admin_allowed_hosts;  ///< names that requests to it may use, beside localhost
    bool operator==(const Settings&) const = default;
};

/// Reads and validates. Throws ConfigError with all that is wrong.
Settings load_settings(const std::string& file, Environment environment = process_environment);
/// The same of a text; `file` is what errors call it.
Settings parse_settings(const std::string& text, const std::string& file,
                        Environment environment = process_environment);

/// The effective configuration as YAML; a password in the DSN, a URL or a proxy is masked.
std::string show_settings(const Settings& settings);

/// True if standard output is for records, so that nothing else may be written there.
inline bool writes_to_stdout(const Settings& settings) {
    return settings.sink == SinkType::ndjson && settings.ndjson.path == "-";
}

/// The DSN from `dsn` or `dsn_file`, whose lines that are blank or begin with # do not count. Throws
/// ConfigError if the file cannot be read, or if no connection can ever be made: the DSN, a file or a service
/// that it names, or libpq's environment is wrong.
std::string resolve_dsn(const PostgresSettings& settings);

/// The HMAC's key; empty if no level is `hash`. Throws std::runtime_error, one line, if the key's file cannot
/// be used.
std::string read_privacy_key(const PrivacySettings& settings);

}  // namespace glia
