#include <yaml-cpp/yaml.h>

#include "daemon/base/timestamp.hpp"
#include "daemon/base/url.hpp"
#include "daemon/config/settings.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia {
namespace {

void list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
    out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const auto& value : values) out << YAML::DoubleQuoted << value;
    out << YAML::EndSeq;
}

template <typename T>
void pair(YAML::Emitter& out, const char* key, const T& value) {
    out << YAML::Key << key << YAML::Value << value;
}

void quoted(YAML::Emitter& out, const char* key, const std::string& value) {
    out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
}

void show_api(YAML::Emitter& out, const ApiSettings& api) {
    out << YAML::Key << "api" << YAML::Value << YAML::BeginMap;
    pair(out, "base_url", mask_url(api.base_url));
    pair(out, "allow_insecure", api.allow_insecure);
    std::vector<std::string> origins;
    for (const std::string& origin : api.trusted_origins) origins.push_back(mask_url(origin));
    list(out, "trusted_origins", origins);
    out << YAML::Key << "auth" << YAML::Value << YAML::BeginMap;
    if (!api.auth.token_file.empty()) pair(out, "token_file", api.auth.token_file);
    if (!api.auth.token_env.empty()) pair(out, "token_env", api.auth.token_env);
    if (!api.auth.api_key_id_file.empty()) {
        out << YAML::Key << "api_key" << YAML::Value << YAML::BeginMap;
        pair(out, "id_file", api.auth.api_key_id_file);
        pair(out, "secret_file", api.auth.api_key_secret_file);
        out << YAML::EndMap;
    }
    out << YAML::EndMap;
    list(out, "sites", api.sites);
    list(out, "operator_ids", api.operator_ids);
    pair(out, "per_page", api.per_page);
    pair(out, "max_in_flight", api.max_in_flight);
    api.rate_limit ? pair(out, "rate_limit", *api.rate_limit) : pair(out, "rate_limit", "auto");
    pair(out, "connect_timeout", to_text(api.connect_timeout));
    pair(out, "request_timeout", to_text(api.request_timeout));
    pair(out, "max_retries", api.max_retries);
    quoted(out, "ca_file", api.ca_file);
    quoted(out, "proxy", mask_url(api.proxy));
    out << YAML::EndMap;
}

void show_sync(YAML::Emitter& out, const SyncSettings& sync) {
    out << YAML::Key << "sync" << YAML::Value << YAML::BeginMap;
    pair(out, "start_from", to_iso8601(sync.start_from));
    pair(out, "poll_every", to_text(sync.poll_every));
    pair(out, "overlap", to_text(sync.overlap));
    out << YAML::Key << "revisit" << YAML::Value << YAML::BeginSeq;
    for (const TierSettings& tier : sync.revisit) {
        out << YAML::Flow << YAML::BeginMap;
        pair(out, "every", to_text(tier.every));
        pair(out, "back", to_text(tier.back));
        out << YAML::EndMap;
    }
    out << YAML::EndSeq;
    pair(out, "details", "auto");
    out << YAML::EndMap;
}

void show_enrich(YAML::Emitter& out, const EnrichSettings& enrich) {
    out << YAML::Key << "enrich" << YAML::Value << YAML::BeginMap;
    out << YAML::Key << "queue_wait" << YAML::Value << YAML::BeginMap;
    pair(out, "enabled", enrich.queue_wait);
    pair(out, "every", to_text(enrich.queue_wait_every));
    quoted(out, "token_file", enrich.queue_wait_token_file);
    out << YAML::EndMap << YAML::Key << "transcripts" << YAML::Value << YAML::BeginMap;
    pair(out, "enabled", enrich.transcripts);
    out << YAML::EndMap << YAML::Key << "recordings" << YAML::Value << YAML::BeginMap;
    pair(out, "enabled", enrich.recordings);
    quoted(out, "directory", enrich.recordings_directory);
    out << YAML::EndMap << YAML::EndMap;
}

void show_privacy(YAML::Emitter& out, const PrivacySettings& privacy) {
    static constexpr const char* kNames[] = {"keep", "hash", "drop"};
    const auto level = [&](const char* key, PrivacyLevel value) {
        pair(out, key, kNames[static_cast<int>(value)]);
    };
    out << YAML::Key << "privacy" << YAML::Value << YAML::BeginMap;
    level("visitor_name", privacy.levels.visitor_name);
    level("visitor_id", privacy.levels.visitor_id);
    level("audio_recording_urls", privacy.levels.audio_recording_urls);
    level("transcripts", privacy.levels.transcripts);
    level("extra", privacy.levels.extra);
    quoted(out, "key_file", privacy.key_file);
    out << YAML::EndMap;
}

}  // namespace

std::string show_settings(const Settings& settings) {
    YAML::Emitter out;
    out << YAML::BeginMap;
    show_api(out, settings.api);
    show_sync(out, settings.sync);
    show_enrich(out, settings.enrich);
    out << YAML::Key << "sink" << YAML::Value << YAML::BeginMap;
    pair(out, "type", settings.sink == SinkType::postgres ? "postgres" : "ndjson");
    out << YAML::Key << "ndjson" << YAML::Value << YAML::BeginMap;
    quoted(out, "path", settings.ndjson.path);
    quoted(out, "state", settings.ndjson.state);
    pair(out, "rotate_mb", settings.ndjson.rotate_mb);
    pair(out, "rotate_every", to_text(settings.ndjson.rotate_every));
    out << YAML::EndMap;
    out << YAML::Key << "postgres" << YAML::Value << YAML::BeginMap;
    quoted(out, "dsn", postgres::masked_dsn(settings.postgres.dsn));
    if (!settings.postgres.dsn_file.empty()) pair(out, "dsn_file", settings.postgres.dsn_file);
    pair(out, "schema", settings.postgres.schema);
    pair(out, "migrate", settings.postgres.migrate_auto ? "auto" : "manual");
    out << YAML::EndMap << YAML::EndMap;
    show_privacy(out, settings.privacy);
    quoted(out, "retention", settings.sync.retention ? to_text(*settings.sync.retention) : "");
    static constexpr const char* kLevels[] = {"debug", "info", "warning", "error"};
    out << YAML::Key << "log" << YAML::Value << YAML::BeginMap;
    pair(out, "level", kLevels[static_cast<int>(settings.log.level)]);
    pair(out, "format", settings.log.format == LogFormat::text ? "text" : "json");
    out << YAML::Key << "topics" << YAML::Value << YAML::Flow << YAML::BeginMap;
    for (std::size_t i = 0; i < kLogTopics.size(); ++i) {
        if (const auto level = settings.log.topics[i])
            pair(out, kLogTopics[i], kLevels[static_cast<int>(*level)]);
    }
    out << YAML::EndMap << YAML::EndMap;
    out << YAML::Key << "admin" << YAML::Value << YAML::BeginMap;
    quoted(out, "listen", settings.admin_listen ? to_text(*settings.admin_listen) : "");
    list(out, "allowed_hosts", settings.admin_allowed_hosts);
    out << YAML::EndMap << YAML::EndMap;
    return std::string(out.c_str()) + "\n";
}

}  // namespace glia
