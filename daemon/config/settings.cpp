#include "daemon/config/settings.hpp"

#include <arpa/inet.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "daemon/api/url.hpp"
#include "daemon/config/text_file.hpp"
#include "daemon/config/yaml_reader.hpp"
#include "daemon/parse/timestamp.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia {
namespace {

std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

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

/// True if the text is the name of a variable that is set, or looks like a name. Errors quote the name of a
/// variable that is not set, and the text may be the token itself.
bool names_variable(const std::string& text, Environment environment) {
    return environment(text) || std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
           });
}

void read_auth(Section section, AuthSettings& auth, Environment environment) {
    section.text("token_file", auth.token_file);
    section.text("token_env", auth.token_env);
    if (!names_variable(auth.token_env, environment)) {
        section.complain("token_env", "must be the name of an environment variable that holds the token");
    }
    int ways = !auth.token_file.empty() + !auth.token_env.empty();
    if (section.has("api_key")) {
        ++ways;
        Section key = section.section("api_key");
        key.text("id_file", auth.api_key_id_file);
        key.text("secret_file", auth.api_key_secret_file);
        if (auth.api_key_id_file.empty() || auth.api_key_secret_file.empty()) {
            key.complain("id_file", "both id_file and secret_file are needed");
        }
        key.finish();
    } else {
        section.section("api_key");
    }
    if (ways != 1) {
        section.complain("token_file", "exactly one of token_file, token_env and api_key is needed, not " +
                                           std::to_string(ways));
    }
    section.finish();
}

void read_api(Section section, ApiSettings& api, Environment environment) {
    section.text("base_url", api.base_url);
    section.boolean("allow_insecure", api.allow_insecure);
    check_base_url(section, api);
    section.words("trusted_origins", api.trusted_origins);
    check_origins(section, api);
    read_auth(section.section("auth"), api.auth, environment);
    section.words("sites", api.sites);
    if (api.sites.empty()) section.complain("sites", "name at least one site id");
    section.words("operator_ids", api.operator_ids);
    section.integer("per_page", api.per_page, 1, 1000);
    section.integer("max_in_flight", api.max_in_flight, 1, 256);
    if (const auto limit = section.scalar("rate_limit"); limit && *limit != "auto") {
        double number = 0;
        const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), number);
        if (error != std::errc{} || end != limit->data() + limit->size() ||
            !(number >= 0 && number <= 100'000)) {
            section.complain("rate_limit", "must be auto, 0 (none) or requests per second");
        } else {
            api.rate_limit = number;
        }
    }
    section.duration("connect_timeout", api.connect_timeout, Milliseconds{1});
    section.duration("request_timeout", api.request_timeout, Milliseconds{1});
    section.integer("max_retries", api.max_retries, 0, 100);
    section.text("ca_file", api.ca_file);
    section.text("proxy", api.proxy);
    if (const auto problem = proxy_problem(api.proxy); problem && !api.proxy.empty()) {
        section.complain("proxy", "must be a URL such as http://proxy.example.com:3128; " + *problem);
    }
    section.finish();
}

void read_sync(Section section, SyncSettings& sync) {
    if (!section.has("start_from")) {
        section.complain("start_from",
                         "is missing; say where a site's first pass begins, such as 2024-01-01T00:00:00Z");
    }
    section.instant("start_from", sync.start_from);
    section.duration("poll_every", sync.poll_every, Milliseconds{1000});
    section.duration("overlap", sync.overlap, Milliseconds{0});
    section.sections(
        "revisit",
        [&](Section& entry) {
            TierSettings tier;
            if (!entry.has("every") || !entry.has("back"))
                entry.complain("every", "both every and back are needed");
            entry.duration("every", tier.every, Milliseconds{1000});
            entry.duration("back", tier.back, Milliseconds{1000});
            sync.revisit.push_back(tier);
        },
        [&] { sync.revisit.clear(); });
    section.choice("details", {"auto"}, [](std::size_t) {});
    section.finish();
}

void read_enrich(Section section, EnrichSettings& enrich) {
    Section wait = section.section("queue_wait");
    wait.boolean("enabled", enrich.queue_wait);
    wait.duration("every", enrich.queue_wait_every, Milliseconds{1000});
    wait.text("token_file", enrich.queue_wait_token_file);
    wait.finish();
    Section transcripts = section.section("transcripts");
    transcripts.boolean("enabled", enrich.transcripts);
    transcripts.finish();
    Section recordings = section.section("recordings");
    recordings.boolean("enabled", enrich.recordings);
    recordings.text("directory", enrich.recordings_directory);
    if (enrich.recordings && !enrich.recordings_directory.starts_with('/')) {
        recordings.complain("directory", enrich.recordings_directory.empty()
                                             ? "is missing; say where recordings are kept, such as "
                                               "/var/lib/glia-sync/recordings"
                                             : "must be an absolute path");
    }
    recordings.finish();
    section.finish();
}

void read_privacy(Section section, const EnrichSettings& enrich, PrivacySettings& privacy) {
    const auto level = [&](const std::string& key, PrivacyLevel& target) {
        section.choice(key, {"keep", "hash", "drop"},
                       [&](std::size_t index) { target = static_cast<PrivacyLevel>(index); });
    };
    level("visitor_name", privacy.levels.visitor_name);
    level("visitor_id", privacy.levels.visitor_id);
    level("audio_recording_urls", privacy.levels.audio_recording_urls);
    level("transcripts", privacy.levels.transcripts);
    level("extra", privacy.levels.extra);
    section.text("key_file", privacy.key_file);
    if (privacy.levels.any_hash() && privacy.key_file.empty()) {
        section.complain("key_file",
                         "is missing; `hash` needs a file with a secret key, made with "
                         "`openssl rand -hex 32 >FILE`");
    }
    if (enrich.recordings && privacy.levels.audio_recording_urls != PrivacyLevel::keep) {
        section.complain("audio_recording_urls",
                         "must be keep while enrich.recordings is enabled, which needs them");
    }
    section.finish();
}

void read_retention(Section& root, std::optional<Milliseconds>& retention) {
    if (const auto text = root.scalar("retention"); !text || text->empty()) return;
    Milliseconds age{};
    // Less would erase what a pass has just read.
    root.duration("retention", age, std::chrono::hours{24});
    retention = age;
}

/// Beside the files; of standard output, where the service keeps what is its own, or where the program was
/// started.
std::string usual_state(const std::string& path, Environment environment) {
    if (path != "-") return path + ".state";
    const std::string folder = environment("STATE_DIRECTORY").value_or("");
    return (folder.empty() ? "" : folder + "/") + "glia-sync.state";
}

void read_ndjson(Section section, NdjsonSettings& ndjson, Environment environment) {
    section.text("path", ndjson.path);
    if (ndjson.path.empty() || ndjson.path.ends_with('/'))
        section.complain("path",
                         "must be - (standard output) or a file's path such as "
                         "/var/lib/glia-sync/engagements.ndjson");
    section.text("state", ndjson.state);
    if (ndjson.state.empty()) ndjson.state = usual_state(ndjson.path, environment);
    section.integer("rotate_mb", ndjson.rotate_mb, 1, 1'000'000);
    section.duration("rotate_every", ndjson.rotate_every, Milliseconds{1000});
    section.finish();
}

void read_sink(Section section, Settings& settings, Environment environment) {
    PostgresSettings& postgres = settings.postgres;
    section.choice("type", {"postgres", "ndjson"},
                   [&](std::size_t index) { settings.sink = static_cast<SinkType>(index); });
    const EnrichSettings& enrich = settings.enrich;
    if (settings.sink == SinkType::ndjson && (enrich.queue_wait || enrich.transcripts || enrich.recordings))
        section.complain("type", "enrichers need the sink postgres; leave them off with ndjson");
    read_ndjson(section.section("ndjson"), settings.ndjson, environment);
    Section section_postgres = section.section("postgres");
    section_postgres.text("dsn", postgres.dsn);
    postgres.dsn = trimmed(postgres.dsn);
    if (const auto problem = postgres::dsn_problem(postgres.dsn);
        problem && settings.sink == SinkType::postgres)
        section_postgres.complain("dsn", *problem);
    section_postgres.text("dsn_file", postgres.dsn_file);
    if (!postgres.dsn.empty() && !postgres.dsn_file.empty()) {
        section_postgres.complain("dsn_file", "only one of dsn and dsn_file may be set");
    }
    section_postgres.text("schema", postgres.schema);
    if (postgres.schema.empty() || postgres.schema.size() > 63 ||
        postgres.schema.find('\0') != std::string::npos) {
        section_postgres.complain("schema", "must be a name of 1 to 63 bytes");
    }
    section_postgres.choice("migrate", {"auto", "manual"},
                            [&](std::size_t index) { postgres.migrate_auto = index == 0; });
    section_postgres.finish();
    section.finish();
}

void read_rest(Section& root, Settings& settings) {
    read_privacy(root.section("privacy"), settings.enrich, settings.privacy);
    read_retention(root, settings.sync.retention);
    Section log = root.section("log");
    log.choice("level", {"debug", "info", "warning", "error"},
               [&](std::size_t index) { settings.log.level = static_cast<LogLevel>(index); });
    log.choice("format", {"text", "json"},
               [&](std::size_t index) { settings.log.format = static_cast<LogFormat>(index); });
    Section topics = log.section("topics");
    for (std::size_t i = 0; i < kLogTopics.size(); ++i) {
        topics.choice(kLogTopics[i], {"debug", "info", "warning", "error"},
                      [&](std::size_t index) { settings.log.topics[i] = static_cast<LogLevel>(index); });
    }
    topics.finish();
    log.finish();
    Section admin = root.section("admin");
    std::string listen = "127.0.0.1:9464";
    admin.text("listen", listen);
    settings.admin_listen = parse_listen(listen);
    if (!listen.empty() && !settings.admin_listen) {
        admin.complain(
            "listen", "must be an address and a port such as 127.0.0.1:9464 or [::1]:9464, or \"\" for none");
    }
    admin.words("allowed_hosts", settings.admin_allowed_hosts);
    for (const std::string& host : settings.admin_allowed_hosts) {
        if (!is_host_name(host))
            admin.complain("allowed_hosts",
                           "must be names of hosts without a port, such as metrics.example.com");
    }
    admin.finish();
}

/// yaml-cpp's message without the text that it quotes behind a colon.
std::string words_of(const YAML::Exception& error) {
    return "not valid YAML: " + error.msg.substr(0, error.msg.find_first_of(":\"")) +
           "; a value with one of : # & * ! | > ' \" % @ ` in it stands in quotes";
}

/// Notes where a document says something.
class FirstContent final : public YAML::EventHandler {
  public:
    std::optional<YAML::Mark> mark;

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark& at, YAML::anchor_t) override { note(at); }
    void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t, const std::string&) override {
        note(at);
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnMapEnd() override {}

  private:
    void note(const YAML::Mark& at) {
        if (!mark) mark = at;
    }
};

/// The one document of a configuration. YAML::LoadAll() is not used: yaml-cpp 0.7 reads some broken texts
/// with it without an end.
YAML::Node load_document(const std::string& text, Complaints& complaints) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    FirstContent first, second;
    if (parser.HandleNextDocument(first) && parser.HandleNextDocument(second) && second.mark)
        complaints.add(*second.mark, "a second document begins here; the configuration is one, without ---");
    return YAML::Load(text);
}

}  // namespace

bool ListenAddress::loopback() const {
    return ip.starts_with("127.") || ip == "::1";
}

std::optional<ListenAddress> parse_listen(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    ListenAddress address{text.substr(0, colon), -1};
    const std::string port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size() || address.port < 0 || address.port > 65535)
        return std::nullopt;
    unsigned char bytes[sizeof(in6_addr)];
    const bool bracketed = address.ip.starts_with('[') && address.ip.ends_with(']');
    if (bracketed) address.ip = address.ip.substr(1, address.ip.size() - 2);
    if (address.ip == "localhost") address.ip = "127.0.0.1";
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, address.ip.c_str(), bytes) != 1) return std::nullopt;
    return address;
}

bool is_host_name(const std::string& text) {
    constexpr std::size_t kLongest = 254;  // with a dot at the end
    return !text.empty() && text != "." && text.size() <= kLongest &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
           });
}

std::string to_text(const ListenAddress& address) {
    const bool six = address.ip.find(':') != std::string::npos;
    return (six ? "[" + address.ip + "]" : address.ip) + ":" + std::to_string(address.port);
}

ConfigError::ConfigError(std::vector<std::string> lines)
    : std::runtime_error(join(lines)), lines_(std::move(lines)) {}

std::optional<std::string> process_environment(const std::string& name) {
    // Nothing here ever changes the environment.
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    return value ? std::optional<std::string>(value) : std::nullopt;
}

Settings load_settings(const std::string& file, Environment environment) {
    return parse_settings(read_text_file(file, "name the configuration with -c FILE"), file, environment);
}

Settings parse_settings(const std::string& text, const std::string& file, Environment environment) {
    Complaints complaints(file);
    Settings settings;
    settings.sync.revisit = {{Milliseconds{900'000}, Milliseconds{86'400'000}},
                             {Milliseconds{86'400'000}, Milliseconds{14 * 86'400'000LL}}};
    try {
        const YAML::Node document = load_document(text, complaints);
        if (document.IsNull() && complaints.lines().empty())
            throw ConfigError({file + ": holds no settings; config/glia-sync.yaml is an example"});
        Section root(document, "", complaints, environment);
        read_api(root.section("api"), settings.api, environment);
        read_sync(root.section("sync"), settings.sync);
        read_enrich(root.section("enrich"), settings.enrich);
        read_sink(root.section("sink"), settings, environment);
        read_rest(root, settings);
        root.finish();
    } catch (const YAML::Exception& error) {
        complaints.add(error.mark, words_of(error));
    }
    if (!complaints.lines().empty()) throw ConfigError(complaints.lines());
    return settings;
}

std::string resolve_dsn(const PostgresSettings& settings) {
    std::string dsn = trimmed(settings.dsn);
    std::string where = "sink.postgres.dsn";
    if (!settings.dsn_file.empty()) {
        where = settings.dsn_file + " (sink.postgres.dsn_file)";
        const std::string advice = "sink.postgres.dsn_file must hold the DSN in one line";
        std::istringstream in(read_text_file(settings.dsn_file, advice));
        for (std::string line; std::getline(in, line);) {
            line = trimmed(line);
            if (line.empty() || line.front() == '#') continue;
            if (!dsn.empty()) throw ConfigError({where + ": holds more than one line; " + advice});
            dsn = line;
        }
        if (dsn.empty()) throw ConfigError({where + ": holds nothing but comments; " + advice});
    }
    auto problem = postgres::dsn_problem(dsn);
    if (!problem) problem = postgres::dsn_surroundings_problem(dsn);
    if (problem) throw ConfigError({where + ": " + *problem});
    return dsn;
}

Privacy resolve_privacy(const PrivacySettings& settings) {
    // Shorter ones can be guessed, and longer ones are not keys.
    constexpr std::size_t kShortestKey = 16;
    constexpr std::size_t kLongestKey = std::size_t{1} << 20;
    if (!settings.levels.any_hash()) return Privacy(settings.levels, {});
    std::ifstream in(settings.key_file, std::ios::binary);
    std::string key(kLongestKey + 1, '\0');
    in.read(key.data(),
            static_cast<std::streamsize>(key.size()));  // reports a folder as a failure, without an exception
    key.resize(static_cast<std::size_t>(in.gcount()));
    const bool too_long = key.size() > kLongestKey;
    while (!key.empty() && static_cast<unsigned char>(key.back()) <= 0x20) key.pop_back();
    if (key.size() < kShortestKey || too_long) {
        throw std::runtime_error("privacy.key_file: " + settings.key_file +
                                 " cannot be read, or does not hold " + std::to_string(kShortestKey) +
                                 " to " + std::to_string(kLongestKey) +
                                 " bytes; make one with `openssl rand -hex 32 >FILE`");
    }
    return Privacy(settings.levels, std::move(key));
}

}  // namespace glia
