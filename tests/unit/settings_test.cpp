#include "daemon/config/settings.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

const std::string kMinimal =
    "api:\n"
    "  base_url: https://api.example.com\n"
    "  auth: {token_file: /t}\n"
    "  sites: [\"s1\"]\n"
    "sync:\n"
    "  start_from: 2024-01-01T00:00:00Z\n";

std::optional<std::string> environment(const std::string& name) {
    if (name == "DSN") return "host=db password=secret";
    return std::nullopt;
}

Settings read(const std::string& text) {
    return parse_settings(text, "f.yaml", environment);
}

std::string complaint(const std::string& text) {
    try {
        read(text);
        return "none";
    } catch (const ConfigError& error) {
        return error.what();
    }
}

std::string with(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

TEST(SettingsTest, DefaultsAreThoseOfTheContract) {
    const Settings settings = read(kMinimal);
    EXPECT_EQ(settings.api.per_page, 100);
    EXPECT_EQ(settings.api.max_in_flight, 8);
    EXPECT_EQ(settings.api.rate_limit, std::nullopt);
    EXPECT_EQ(settings.api.max_retries, 8);
    EXPECT_EQ(settings.sync.overlap, std::chrono::minutes{10});
    ASSERT_EQ(settings.sync.revisit.size(), 2u);
    EXPECT_EQ(settings.sync.revisit[1].back, std::chrono::days{14});
    EXPECT_EQ(settings.postgres.schema, "glia");
    EXPECT_EQ(settings.admin_listen, (ListenAddress{"127.0.0.1", 9464}));
}
TEST(SettingsTest, AnUnknownKeyIsNamedWithItsPlaceAndTheNearestKnownOne) {
    EXPECT_EQ(complaint(kMinimal + "  poll_evry: 5s\n"),
              "f.yaml:7:3: unknown key sync.poll_evry; did you mean poll_every?");
}
TEST(SettingsTest, TheAdminAddressIsAnAddressAndAPort) {
    const std::string with_listen = kMinimal + "admin: {listen: \"";
    EXPECT_EQ(read(with_listen + "\"}\n").admin_listen, std::nullopt);
    EXPECT_EQ(read(with_listen + "[::1]:80\"}\n").admin_listen, (ListenAddress{"::1", 80}));
    EXPECT_EQ(read(with_listen + "localhost:80\"}\n").admin_listen, (ListenAddress{"127.0.0.1", 80}));
    EXPECT_FALSE(read(with_listen + "0.0.0.0:80\"}\n").admin_listen->loopback());
    for (const std::string wrong : {"9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "1.2.3:4", "::1:9464",
                                    "127.0.0.1:65536", "example.com:80"}) {
        EXPECT_NE(
            complaint(with_listen + wrong + "\"}\n").find("f.yaml:7:17: admin.listen: must be an address"),
            std::string::npos)
            << wrong << ": " << complaint(with_listen + wrong + "\"}\n");
    }
}
TEST(SettingsTest, NamesForTheAdminAddressHaveNoPort) {
    EXPECT_TRUE(read(kMinimal).admin_allowed_hosts.empty());
    const std::string with_hosts = kMinimal + "admin: {allowed_hosts: [\"";
    const Settings settings = read(with_hosts + "metrics.example.com\", \"glia_sync.\"]}\n");
    EXPECT_EQ(settings.admin_allowed_hosts, (std::vector<std::string>{"metrics.example.com", "glia_sync."}));
    EXPECT_EQ(read(show_settings(settings)), settings);
    for (const std::string wrong : {"a:80", "http://a", "*.example.com", "a b", "a/", ""}) {
        EXPECT_NE(complaint(with_hosts + wrong + "\"]}\n").find("allowed_hosts: must be names of hosts"),
                  std::string::npos)
            << wrong;
    }
}
TEST(SettingsTest, LogLevelsAreSetByTopic) {
    const Settings settings = read(kMinimal + "log: {level: warning, topics: {api: debug}}\n");
    EXPECT_EQ(settings.log.level, LogLevel::warning);
    EXPECT_EQ(settings.log.topics[static_cast<std::size_t>(LogTopic::api)], LogLevel::debug);
    EXPECT_EQ(settings.log.topics[static_cast<std::size_t>(LogTopic::sync)], std::nullopt);
    EXPECT_NE(complaint(kMinimal + "log: {topics: {apl: debug}}\n").find("did you mean api?"),
              std::string::npos);
}
TEST(SettingsTest, AWrongTypeIsNamedWithItsPlace) {
    EXPECT_EQ(complaint(kMinimal + "  overlap: [1]\n"), "f.yaml:7:12: sync.overlap must be a single value");
}
TEST(SettingsTest, ABadValueIsNamedWithItsPlace) {
    EXPECT_EQ(complaint(with(kMinimal, "2024-01-01T00:00:00Z", "yesterday")),
              "f.yaml:6:15: sync.start_from: must be a time such as 2024-01-01T00:00:00Z, not yesterday");
    EXPECT_NE(
        complaint(kMinimal + "  poll_every: 5\n").find("f.yaml:7:15: sync.poll_every: must be a duration"),
        std::string::npos);
    EXPECT_NE(complaint(kMinimal + "log: {level: inof}\n").find("did you mean info?"), std::string::npos);
}
TEST(SettingsTest, EveryMistakeIsToldNotJustTheFirst) {
    EXPECT_EQ(complaint(kMinimal + "  a: 1\n  b: 2\n"),
              "f.yaml:7:3: unknown key sync.a; remove it\nf.yaml:8:3: unknown key sync.b; remove it");
}
TEST(SettingsTest, AKeyTwiceIsAnError) {
    EXPECT_NE(complaint(kMinimal + "  overlap: 1m\n  overlap: 2m\n").find("stands here twice"),
              std::string::npos);
}
TEST(SettingsTest, BrokenYamlIsAnErrorWithItsPlace) {
    EXPECT_EQ(complaint("api: [1\n").substr(0, 7), "f.yaml:");
}
TEST(SettingsTest, ExactlyOneWayToAuthenticate) {
    EXPECT_NE(complaint(with(kMinimal, "token_file: /t", "token_file: /t, token_env: T")).find("exactly one"),
              std::string::npos);
    EXPECT_NE(complaint(with(kMinimal, "token_file: /t", "")).find("exactly one"), std::string::npos);
}
TEST(SettingsTest, PlainHttpIsForLoopbackOnly) {
    EXPECT_NE(
        complaint(with(kMinimal, "https://api.example.com", "http://api.example.com")).find("allow_insecure"),
        std::string::npos);
    EXPECT_EQ(complaint(with(kMinimal, "https://api.example.com", "http://127.0.0.1:80")), "none");
    EXPECT_EQ(complaint(with(kMinimal, "https://api.example.com",
                             "http://api.example.com\n  allow_insecure: true")),
              "none");
}
TEST(SettingsTest, EnvironmentVariablesAreReplacedAnywhere) {
    EXPECT_EQ(read(kMinimal + "sink: {postgres: {dsn: \"${DSN} port=1\"}}\n").postgres.dsn,
              "host=db password=secret port=1");
    EXPECT_EQ(read(kMinimal + "sink: {postgres: {dsn_file: \"${NOPE:-/etc/x}/dsn\"}}\n").postgres.dsn_file,
              "/etc/x/dsn");
    EXPECT_EQ(read(kMinimal + "sink: {postgres: {dsn: \"${DSN:-other}\"}}\n").postgres.dsn,
              "host=db password=secret");
    EXPECT_NE(complaint(kMinimal + "sink: {postgres: {dsn: \"${NOPE}\"}}\n").find("NOPE is not set"),
              std::string::npos);
}
TEST(SettingsTest, ShowMasksPasswords) {
    const std::string shown = show_settings(read(kMinimal + "sink: {postgres: {dsn: \"${DSN}\"}}\n"));
    EXPECT_EQ(shown.find("secret"), std::string::npos);
    EXPECT_NE(shown.find("password=********"), std::string::npos);
    const std::string uri = show_settings(
        read(kMinimal + "sink: {postgres: {dsn: \"postgresql://u:secret@h/d?password=secret\"}}\n"));
    EXPECT_EQ(uri.find("secret"), std::string::npos);
}
TEST(SettingsTest, WhatIsShownCanBeReadAgain) {
    const Settings settings = read(kMinimal);
    EXPECT_EQ(read(show_settings(settings)), settings);
}
TEST(SettingsTest, TheStateOfLinesLiesBesideThem) {
    const auto state = [](const std::string& ndjson) {
        return read(kMinimal + "sink: {type: ndjson, ndjson: " + ndjson + "}\n").ndjson.state;
    };
    EXPECT_EQ(state("{path: /data/out.ndjson}"), "/data/out.ndjson.state");
    EXPECT_EQ(state("{path: /data/out.ndjson, state: /elsewhere/s}"), "/elsewhere/s");
    EXPECT_TRUE(state("{}").ends_with("glia-sync.state"));
    const Settings settings =
        read(kMinimal + "sink: {type: ndjson, ndjson: {path: /o, rotate_mb: 5, rotate_every: 2m}}\n");
    EXPECT_EQ(settings.ndjson.rotate_mb, 5);
    EXPECT_EQ(read(show_settings(settings)), settings);
    EXPECT_TRUE(writes_to_stdout(read(kMinimal + "sink: {type: ndjson}\n")));
    EXPECT_FALSE(writes_to_stdout(read(kMinimal)));
}
TEST(SettingsTest, LinesHaveNoEnrichers) {
    EXPECT_NE(complaint(kMinimal + "sink: {type: ndjson}\nenrich: {transcripts: {enabled: true}}\n")
                  .find("enrichers need the sink postgres"),
              std::string::npos);
    EXPECT_NE(complaint(kMinimal + "sink: {type: ndjson, ndjson: {path: /a/}}\n").find("a file's path"),
              std::string::npos);
}
TEST(SettingsTest, HashingNeedsAKey) {
    EXPECT_NE(complaint(kMinimal + "privacy: {visitor_id: hash}\n").find("privacy.key_file: is missing"),
              std::string::npos);
    const Settings settings = read(kMinimal + "privacy: {visitor_id: hash, key_file: /nowhere}\n");
    EXPECT_EQ(settings.privacy.levels.visitor_id, PrivacyLevel::hash);
    EXPECT_THROW(resolve_privacy(settings.privacy), std::runtime_error);
    EXPECT_EQ(read(show_settings(settings)), settings);
}
TEST(SettingsTest, EnrichersSayWhatTheyNeed) {
    EXPECT_NE(complaint(kMinimal + "enrich: {recordings: {enabled: true}}\n").find("directory: is missing"),
              std::string::npos);
    EXPECT_NE(complaint(kMinimal + "enrich: {recordings: {enabled: true, directory: /r}}\n"
                                   "privacy: {audio_recording_urls: drop}\n")
                  .find("must be keep while enrich.recordings"),
              std::string::npos);
    const Settings settings = read(
        kMinimal +
        "enrich: {queue_wait: {enabled: true, every: 5m}, recordings: {enabled: true, directory: /r}}\n");
    EXPECT_EQ(settings.enrich.queue_wait_every, std::chrono::minutes{5});
    EXPECT_EQ(read(show_settings(settings)), settings);
}
TEST(SettingsTest, RetentionIsADayAtLeast) {
    EXPECT_EQ(read(kMinimal).sync.retention, std::nullopt);
    EXPECT_EQ(read(kMinimal + "retention: 730d\n").sync.retention, std::chrono::days{730});
    EXPECT_NE(complaint(kMinimal + "retention: 1h\n").find("at least 1d"), std::string::npos);
}
TEST(Nearest, FindsAWordOnlyIfItIsNear) {
    EXPECT_EQ(nearest("base_ulr", {"base_url", "sites"}), "base_url");
    EXPECT_EQ(nearest("zebra", {"base_url", "sites"}), std::nullopt);
}

}  // namespace
}  // namespace glia
