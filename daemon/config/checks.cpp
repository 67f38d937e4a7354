#include "daemon/config/checks.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "daemon/base/text.hpp"
#include "daemon/base/url.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia {
namespace {

void check_base_url(Section& section, const ApiSettings& api) {
    if (api.base_url.empty()) {
        section.complain("base_url", "is missing; name the API, such as https://api.glia.com");
        return;
    }
    const auto url = parse_url(api.base_url);
    if (const auto problem = url_problem(api.base_url)) {
        section.complain("base_url", "must be a URL such as https://api.glia.com; " + *problem);
        return;
    }
    if (url->target.find('?') != std::string::npos) {
        section.complain("base_url", "must not have a query; the program adds its own");
    }
    if (url->origin.scheme == "http" && !is_loopback(url->origin) && !api.allow_insecure) {
        section.complain("base_url", "http:// would send the token in the clear to " + to_text(url->origin) +
                                         "; use https://, or set api.allow_insecure: true");
    }
}

void check_origins(Section& section, const ApiSettings& api) {
    for (const auto& origin : api.trusted_origins) {
        const auto url = parse_url(origin);
        const auto problem = url_problem(origin);
        if (problem || url->target != "/") {
            section.complain("trusted_origins", "must be origins such as https://api.salemove.com; " +
                                                    problem.value_or("an entry has a path or a query"));
        } else if (url->origin.scheme == "http" && !is_loopback(url->origin) && !api.allow_insecure) {
            section.complain("trusted_origins", to_text(url->origin) +
                                                    " is not encrypted; use https://, or set "
                                                    "api.allow_insecure: true");
        }
    }
}

/// True if the text names a variable that is set, or has the form of a variable's name. Other text may be the
/// token itself, put into the wrong setting, and errors must not quote it.
bool names_variable(const std::string& text, Environment environment) {
    return environment(text) || std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
           });
}

void check_auth(Section& section, Settings& settings, Environment environment) {
    const AuthSettings& auth = settings.api.auth;
    if (!names_variable(auth.token_env, environment))
        section.complain("token_env", "must be the name of an environment variable that holds the token");
    const int ways = !auth.token_file.empty() + !auth.token_env.empty() + section.has("api_key");
    if (ways != 1)
        section.complain("token_file", "exactly one of token_file, token_env and api_key is needed, not " +
                                           std::to_string(ways));
}

void check_api_key(Section& section, Settings& settings, Environment) {
    const AuthSettings& auth = settings.api.auth;
    if (section.given() && (auth.api_key_id_file.empty() || auth.api_key_secret_file.empty()))
        section.complain("id_file", "both id_file and secret_file are needed");
}

void check_api(Section& section, Settings& settings, Environment) {
    const ApiSettings& api = settings.api;
    check_base_url(section, api);
    check_origins(section, api);
    if (api.sites.empty()) section.complain("sites", "name at least one site id");
    if (const auto problem = proxy_problem(api.proxy); problem && !api.proxy.empty())
        section.complain("proxy", "must be a URL such as http://proxy.example.com:3128; " + *problem);
}

void check_sync(Section& section, Settings&, Environment) {
    if (!section.has("start_from"))
        section.complain("start_from",
                         "is missing; say where a site's first pass begins, such as 2024-01-01T00:00:00Z");
}

void check_tier(Section& section, Settings&, Environment) {
    if (!section.has("every") || !section.has("back"))
        section.complain("every", "both every and back are needed");
}

void check_statistics(Section& section, Settings& settings, Environment) {
    constexpr Milliseconds kDay{24 * 3'600'000};
    const Milliseconds interval = settings.statistics.interval;
    // Intervals begin at multiples of their length since 1970: only a length that divides a day gives every
    // day the same intervals. Their lengths are stored in seconds.
    if (interval.count() > 0 && ((kDay % interval).count() != 0 || (interval % Seconds{1}).count() != 0))
        section.complain("interval", "must be whole seconds that divide a day, such as 15m, 30m or 1h");
}

void check_recordings(Section& section, Settings& settings, Environment) {
    const EnrichSettings& enrich = settings.enrich;
    if (!enrich.recordings || enrich.recordings_directory.starts_with('/')) return;
    section.complain("directory", enrich.recordings_directory.empty()
                                      ? "is missing; say where recordings are kept, such as "
                                        "/var/lib/glia-sync/recordings"
                                      : "must be an absolute path");
}

void check_sink(Section& section, Settings& settings, Environment) {
    const EnrichSettings& enrich = settings.enrich;
    if (settings.sink == SinkType::ndjson && (enrich.queue_wait || enrich.transcripts || enrich.recordings))
        section.complain("type", "enrichers need the sink postgres; leave them off with ndjson");
    if (settings.sink == SinkType::ndjson && settings.statistics.enabled)
        section.complain("type", "statistics need the sink postgres; leave them off with ndjson");
}

/// Returns the default path of the state file: beside the output files. For standard output, in the service's
/// state directory or else in the working directory.
std::string usual_state(const std::string& path, Environment environment) {
    if (path != "-") return path + ".state";
    const std::string folder = environment("STATE_DIRECTORY").value_or("");
    return (folder.empty() ? "" : folder + "/") + "glia-sync.state";
}

void check_ndjson(Section& section, Settings& settings, Environment environment) {
    NdjsonSettings& ndjson = settings.ndjson;
    if (ndjson.path.empty() || ndjson.path.ends_with('/'))
        section.complain("path",
                         "must be - (standard output) or a file's path such as "
                         "/var/lib/glia-sync/engagements.ndjson");
    if (ndjson.state.empty()) ndjson.state = usual_state(ndjson.path, environment);
}

void check_postgres(Section& section, Settings& settings, Environment) {
    PostgresSettings& postgres = settings.postgres;
    postgres.dsn = std::string(trim(postgres.dsn));
    if (const auto problem = postgres::dsn_problem(postgres.dsn);
        problem && settings.sink == SinkType::postgres)
        section.complain("dsn", *problem);
    if (!postgres.dsn.empty() && !postgres.dsn_file.empty())
        section.complain("dsn_file", "only one of dsn and dsn_file may be set");
    if (postgres.schema.empty() || postgres.schema.size() > 63 ||
        postgres.schema.find('\0') != std::string::npos)
        section.complain("schema", "must be a name of 1 to 63 bytes");
}

void check_privacy(Section& section, Settings& settings, Environment) {
    const PrivacySettings& privacy = settings.privacy;
    if (privacy.levels.any_hash() && privacy.key_file.empty())
        section.complain("key_file",
                         "is missing; `hash` needs a file with a secret key, made with "
                         "`openssl rand -hex 32 >FILE`");
    if (settings.enrich.recordings && privacy.levels.audio_recording_urls != PrivacyLevel::keep)
        section.complain("audio_recording_urls",
                         "must be keep while enrich.recordings is enabled, which needs them");
}

void check_admin(Section& section, Settings& settings, Environment) {
    for (const std::string& host : settings.admin_allowed_hosts) {
        if (!is_host_name(host))
            section.complain("allowed_hosts",
                             "must be names of hosts without a port, such as metrics.example.com");
    }
}

}  // namespace

void check_section(Section& section, Settings& settings, Environment environment) {
    static const std::map<std::string_view, void (*)(Section&, Settings&, Environment)> kChecks{
        {"api", check_api},
        {"api.auth", check_auth},
        {"api.auth.api_key", check_api_key},
        {"sync", check_sync},
        {"sync.revisit", check_tier},
        {"enrich.recordings", check_recordings},
        {"sink", check_sink},
        {"sink.ndjson", check_ndjson},
        {"sink.postgres", check_postgres},
        {"privacy", check_privacy},
        {"admin", check_admin},
        {"statistics", check_statistics},
        {"statistics.revisit", check_tier}};
    const std::string_view path = section.path();
    const auto check = kChecks.find(path.substr(0, path.find('[')));  // list entries share one check
    if (check != kChecks.end()) check->second(section, settings, environment);
}

}  // namespace glia
