#include "daemon/config/description.hpp"

#include <array>

#include "daemon/base/url.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia {
namespace {

constexpr std::array kPrivacyLevelNames{"keep", "hash", "drop"};           // as PrivacyLevel
constexpr std::array kLogLevelNames{"debug", "info", "warning", "error"};  // as LogLevel
constexpr std::array kLogFormatNames{"text", "json"};                      // as LogFormat
constexpr std::array kSinkNames{"postgres", "ndjson"};                     // as SinkType
constexpr std::array kMigrateNames{"auto", "manual"};
constexpr std::array kDetailsNames{"auto"};

template <typename Enum>
void choose(SettingsVisitor& visitor, const SettingKey& key, SettingsVisitor::Names names, Enum& value) {
    std::optional<std::size_t> index = static_cast<std::size_t>(value);
    visitor.choice(key, names, index);
    value = static_cast<Enum>(*index);
}

void describe_auth(AuthSettings& auth, SettingsVisitor& v) {
    v.text({"token_file", "The program reads this file again when it changes or the token is refused."},
           auth.token_file, Shown::if_set, nullptr);
    v.text({"token_env", "Name of an environment variable."}, auth.token_env, Shown::if_set, nullptr);
    v.section({"api_key", "A key pair; the program exchanges it for tokens that expire."}, Shown::if_set,
              [&] {
                  v.text({"id_file", "A file with the key's id.", true}, auth.api_key_id_file, Shown::if_set,
                         nullptr);
                  v.text({"secret_file", "A file with the key's secret.", true}, auth.api_key_secret_file,
                         Shown::if_set, nullptr);
              });
}

void describe_api(ApiSettings& api, SettingsVisitor& v) {
    v.text({"base_url", "Such as https://api.glia.com.", true}, api.base_url, Shown::plain, mask_url);
    v.flag({"allow_insecure", "Allow http:// to other machines; the token is then sent unencrypted."},
           api.allow_insecure);
    v.texts({"trusted_origins",
             "Other origins to which links to the next page may lead; the token is sent to no other."},
            api.trusted_origins, mask_url);
    v.section({"auth", "Exactly one of token_file, token_env and api_key.", true}, Shown::plain,
              [&] { describe_auth(api.auth, v); });
    v.texts({"sites", "Ids of the sites to read.", true}, api.sites, nullptr);
    v.texts({"operator_ids", "A token without the manager role must name its own operator here."},
            api.operator_ids, nullptr);
    v.integer({"per_page", "Engagements on a page."}, api.per_page, 1, 1000);
    v.integer({"max_in_flight", "Concurrent requests of the whole process."}, api.max_in_flight, 1, 256);
    v.rate(
        {"rate_limit", "Requests per second; 0: no limit; auto: found from the API's responses, at most 50."},
        api.rate_limit, 100'000);
    v.duration({"connect_timeout", "Limit for name lookup, connection, proxy and TLS together."},
               api.connect_timeout, Milliseconds{1});
    v.duration({"request_timeout", "From the first byte sent to the last byte read."}, api.request_timeout,
               Milliseconds{1});
    v.integer({"max_retries", "Per request."}, api.max_retries, 0, 100);
    v.text({"ca_file", "Certificates to trust; empty: those of the system."}, api.ca_file, Shown::quoted,
           nullptr);
    v.text({"proxy", "Such as http://proxy.example.com:3128; empty: HTTPS_PROXY, ALL_PROXY and NO_PROXY."},
           api.proxy, Shown::quoted, mask_url);
}

void describe_sync(SyncSettings& sync, SettingsVisitor& v) {
    v.instant({"start_from", "Where a site's first pass begins, such as 2024-01-01T00:00:00Z.", true},
              sync.start_from);
    v.duration({"poll_every", "Time between two passes of a site."}, sync.poll_every, Seconds{1});
    v.duration({"overlap", "Each pass begins this much before the watermark."}, sync.overlap, Seconds{0});
    v.tiers({"revisit", "Engagements change after they end: these readings go further back."}, sync.revisit);
    std::optional<std::size_t> details = 0;
    v.choice({"details",
              "auto: legs are fetched if the listing has none, if the engagement is ongoing or has changed."},
             kDetailsNames, details);
}

void describe_directory(DirectorySettings& directory, SettingsVisitor& v) {
    v.flag({"enabled", "Off: operators, sites and queues stay ids."}, directory.enabled);
    v.duration({"every", "Time between two readings of a listing."}, directory.every, Seconds{1});
    v.site_names({"sites", "Names and time zones of sites that the token may not read, by site id."},
                 directory.sites);
}

void describe_statistics(StatisticsSettings& statistics, SettingsVisitor& v) {
    v.flag({"enabled", "Switch it on; only the sink postgres stores statistics."}, statistics.enabled);
    v.duration({"interval",
                "Length of an interval; it must divide a day evenly. More than 30m leaves the views by half "
                "hour without statistics."},
               statistics.interval, std::chrono::minutes{1});
    v.tiers({"revisit", "The API still corrects recent counts: these readings repeat the last intervals."},
            statistics.revisit);
}

void describe_enrich(EnrichSettings& enrich, SettingsVisitor& v) {
    const SettingKey enabled{"enabled", "Switch it on."};
    v.section({"queue_wait", "Samples of the queue's average wait."}, Shown::plain, [&] {
        v.flag(enabled, enrich.queue_wait);
        v.duration({"every", "Time between two samples."}, enrich.queue_wait_every, Seconds{1});
        v.text({"token_file", "A visitor's token; empty: the token of api.auth."},
               enrich.queue_wait_token_file, Shown::quoted, nullptr);
    });
    v.section({"transcripts", "Chat transcripts, stored in chat_messages."}, Shown::plain,
              [&] { v.flag(enabled, enrich.transcripts); });
    v.section({"recordings", "Audio recordings, downloaded once each."}, Shown::plain, [&] {
        v.flag(enabled, enrich.recordings);
        v.text({"directory", "Where they are kept; an absolute path."}, enrich.recordings_directory,
               Shown::quoted, nullptr);
    });
}

void describe_sink(Settings& settings, SettingsVisitor& v) {
    choose(v, {"type", "PostgreSQL, or lines of JSON."}, kSinkNames, settings.sink);
    v.section({"ndjson", "The sink ndjson."}, Shown::plain, [&] {
        NdjsonSettings& ndjson = settings.ndjson;
        v.text({"path", "- for standard output, or a name to which each file adds its time and number."},
               ndjson.path, Shown::quoted, nullptr);
        v.text({"state", "The state file; empty: beside the files."}, ndjson.state, Shown::quoted, nullptr);
        v.integer({"rotate_mb", "A new file begins when the current one has this size."}, ndjson.rotate_mb, 1,
                  1'000'000);
        v.duration({"rotate_every", "A new file begins when the current one has this age."},
                   ndjson.rotate_every, Seconds{1});
    });
    v.section({"postgres", "The sink postgres."}, Shown::plain, [&] {
        PostgresSettings& postgres = settings.postgres;
        v.text({"dsn", "Connection string; empty: PGHOST and the like."}, postgres.dsn, Shown::quoted,
               postgres::masked_dsn);
        v.text({"dsn_file",
                "A file with the DSN in one line; blank lines and lines that begin with # are ignored."},
               postgres.dsn_file, Shown::if_set, nullptr);
        v.text({"schema", "Name of the schema."}, postgres.schema, Shown::plain, nullptr);
        std::optional<std::size_t> migrate = postgres.migrate_auto ? 0 : 1;
        v.choice({"migrate", "manual: a DBA runs what `glia-sync migrate --print` prints."}, kMigrateNames,
                 migrate);
        postgres.migrate_auto = migrate == 0;
    });
}

void describe_privacy(PrivacySettings& privacy, SettingsVisitor& v) {
    const auto level = [&](const SettingKey& key, PrivacyLevel& value) {
        choose(v, key, kPrivacyLevelNames, value);
    };
    level({"visitor_name", "Names of visitors."}, privacy.levels.visitor_name);
    level({"visitor_id", "Ids of visitors, and their links."}, privacy.levels.visitor_id);
    level({"audio_recording_urls", "URLs of recordings."}, privacy.levels.audio_recording_urls);
    level({"transcripts", "Texts and attachments of chats."}, privacy.levels.transcripts);
    level({"extra", "What the API sends beyond its documentation."}, privacy.levels.extra);
    level({"operator_name", "Names of operators."}, privacy.levels.operator_name);
    level({"operator_contact", "E-mail, phone, extension, SIP address and picture of operators."},
          privacy.levels.operator_contact);
    v.text({"key_file", "The secret key of `hash`."}, privacy.key_file, Shown::quoted, nullptr);
}

void describe_log(LogSettings& log, SettingsVisitor& v) {
    choose(v, {"level", "The least severe level that is logged."}, kLogLevelNames, log.level);
    choose(v, {"format", "Form of its lines."}, kLogFormatNames, log.format);
    v.section({"topics", "Levels of single topics."}, Shown::flow, [&] {
        for (std::size_t i = 0; i < kLogTopics.size(); ++i) {
            std::optional<std::size_t> level;
            if (log.topics[i]) level = static_cast<std::size_t>(*log.topics[i]);
            v.choice({kLogTopics[i], "Level of this topic."}, kLogLevelNames, level);
            if (level) log.topics[i] = static_cast<LogLevel>(*level);
        }
    });
}

}  // namespace

Settings default_settings() {
    Settings settings;
    settings.sync.revisit = {{std::chrono::minutes{15}, std::chrono::hours{24}},
                             {std::chrono::hours{24}, std::chrono::days{14}}};
    settings.statistics.revisit = {{std::chrono::minutes{30}, std::chrono::hours{4}},
                                   {std::chrono::hours{24}, std::chrono::days{3}}};
    settings.admin_listen = {"127.0.0.1", 9464};
    return settings;
}

void describe(TierSettings& tier, SettingsVisitor& v) {
    v.duration({"every", "How often.", true}, tier.every, Seconds{1});
    v.duration({"back", "How far back.", true}, tier.back, Seconds{1});
}

void describe(SiteNameSettings& site, SettingsVisitor& v) {
    v.text({"name", "Name of the site."}, site.name, Shown::quoted, nullptr);
    v.text({"time_zone", "Its time zone, such as Europe/Tallinn."}, site.time_zone, Shown::quoted, nullptr);
}

void describe(Settings& settings, SettingsVisitor& v) {
    v.section({"api", "The API, and how requests are sent.", true}, Shown::plain,
              [&] { describe_api(settings.api, v); });
    v.section({"sync", "What is read, and how often.", true}, Shown::plain,
              [&] { describe_sync(settings.sync, v); });
    v.section({"directory", "Names of operators, sites and queues."}, Shown::plain,
              [&] { describe_directory(settings.directory, v); });
    v.section({"statistics",
               "Glia's own statistics per interval: visitors' waits, visitors who gave up, operators' time."},
              Shown::plain, [&] { describe_statistics(settings.statistics, v); });
    v.section({"enrich", "Further data beside engagements and legs; each is off by default."}, Shown::plain,
              [&] { describe_enrich(settings.enrich, v); });
    v.section({"sink", "Where records are stored."}, Shown::plain, [&] { describe_sink(settings, v); });
    v.section({"privacy",
               "For each kind of personal data: keep it, replace it by its HMAC-SHA-256 (hash), or drop it."},
              Shown::plain, [&] { describe_privacy(settings.privacy, v); });
    // At least a day: a shorter retention would erase what a pass has just read.
    v.optional_duration(
        {"retention", "Engagements older than this are erased and not read again; empty: never."},
        settings.sync.retention, std::chrono::hours{24});
    v.section({"log", "The log."}, Shown::plain, [&] { describe_log(settings.log, v); });
    v.section({"admin", "Metrics and the status page."}, Shown::plain, [&] {
        v.address({"listen", "Address and port; empty: off."}, settings.admin_listen);
        v.texts({"allowed_hosts",
                 "Names of hosts, without a port, that requests may use beside localhost and addresses."},
                settings.admin_allowed_hosts, nullptr);
    });
}

}  // namespace glia
