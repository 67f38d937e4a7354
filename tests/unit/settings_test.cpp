#include "daemon/config/settings.hpp"
#include "sinks/nearest.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

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

std::string load_complaint(const std::string& file) {
    try {
        load_settings(file, environment);
        return "none";
    } catch (const ConfigError& error) {
        return error.what();
    }
}

std::string resolved_missing(const std::string& file) {
    try {
        return resolve_dsn({"", file});
    } catch (const ConfigError& error) {
        return error.what();
    }
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
              "f.yaml:6:15: sync.start_from: must be a time such as 2024-01-01T00:00:00Z");
    EXPECT_NE(
        complaint(kMinimal + "  poll_every: 5\n").find("f.yaml:7:15: sync.poll_every: must be a duration"),
        std::string::npos);
    EXPECT_NE(complaint(kMinimal + "log: {level: inof}\n").find("did you mean info?"), std::string::npos);
}
TEST(SettingsTest, EveryErrorIsReportedNotJustTheFirst) {
    EXPECT_EQ(complaint(kMinimal + "  a: 1\n  b: 2\n"),
              "f.yaml:7:3: unknown key in sync; remove it\nf.yaml:8:3: unknown key in sync; remove it");
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
TEST(SettingsTest, NoComplaintQuotesAValue) {
    const std::string api = "api:\n  base_url: https://api.example.com\n  sites: [s]\n";
    const std::string sync = "sync: {start_from: 2024-01-01T00:00:00Z}\n";
    for (const std::string text :
         {"S3CRETxyz",
          "- S3CRETxyz",
          "api: S3CRETxyz",
          "sink: {postgres: S3CRETxyz}",
          "sink: {postgres: {dsn: [S3CRETxyz]}}",
          "sink: {postgres: {dsn: {S3CRETxyz: 1}}}",
          "S3CRETxyz: 1",
          "{S3CRETxyz}",
          "sink: {type: S3CRETxyz}",
          "log: {level: S3CRETxyz, format: S3CRETxyz, topics: {S3CRETxyz: info, api: S3CRETxyz}}",
          "retention: S3CRETxyz",
          "admin: {listen: S3CRETxyz}",
          "sink: {postgres: {dsn: *S3CRETxyz}}",
          "sink: {postgres: {dsn: \"\\S3CRETxyz\"}}",
          "sink: {postgres: {dsn: &S3CRETxyz}",
          "sink: {postgres: {dsn: !S3CRETxyz x}}",
          "sink: {postgres: {dsn: @S3CRETxyz}}",
          "sink: {postgres: {dsn: 'S3CRETxyz}}",
          "sink: {postgres: {dsn: \"a${S3CRETxyz}\"}}",
          "sink: {postgres: {dsn: \"a${S3CRETxyz\"}}",
          "sink:\n  postgres:\n    dsn: host=h\n  S3CRETxyz",
          "S3CRETxyz: 1\nS3CRETxyz: 2",
          "%S3CRETxyz",
          "a: |x S3CRETxyz",
          "enrich: {recordings: {enabled: true, directory: S3CRETxyz}}",
          "privacy: {visitor_id: S3CRETxyz}",
          "--- S3CRETxyz\n--- S3CRETxyz"})
        EXPECT_EQ(complaint(text).find("S3CRET"), std::string::npos) << complaint(text);
    for (const std::string text :
         {"auth: S3CRETxyz", "auth: [S3CRETxyz]", "auth: {token: S3CRETxyz}", "auth: {token_env: S3CRETxyz}",
          "auth: {api_key: S3CRETxyz}", "auth: {S3CRETxyz: }", "rate_limit: S3CRETxyz", "per_page: S3CRETxyz",
          "allow_insecure: S3CRETxyz", "max_retries: {S3CRETxyz: 1}", "connect_timeout: S3CRETxyz",
          "trusted_origins: S3CRETxyz", "trusted_origins: [S3CRETxyz]", "sites: [S3CRETxyz, S3CRETxyz]",
          "proxy: S3CRETxyz@", "operator_ids: {S3CRETxyz: 1}"}) {
        EXPECT_NE(complaint(api + "  " + text + "\n" + sync), "none") << text;
        EXPECT_EQ(complaint(api + "  " + text + "\n" + sync).find("S3CRET"), std::string::npos)
            << complaint(api + "  " + text + "\n" + sync);
    }
}
TEST(SettingsTest, NoSecretOfAUrlIsQuotedOrShown) {
    for (const char* password :
         {"S3CRETxyz", "a/S3CRETxyz", "a#S3CRETxyz", "a?S3CRETxyz", "a@S3CRETxyz", "a:S3CRETxyz",
          "12/S3CRETxyz", "12#S3CRETxyz", "12?S3CRETxyz", "%zzS3CRETxyz", "a%2fS3CRETxyz", "a S3CRETxyz",
          "[S3CRETxyz", "S3CRETxyz]"}) {
        for (const char* scheme : {"https://", "http://", "HTTPS://", "ftp://", "//", "", "socks5://"}) {
            for (const char* host : {"@h.example", "@h.example:8080/", "@127.0.0.1:1/x@y", "@", "@h:x"}) {
                const std::string url = std::string(scheme) + "u:" + password + host;
                for (const std::string& text :
                     {with(kMinimal, "https://api.example.com", "\"" + url + "\""),
                      with(kMinimal, "sites:", "trusted_origins: [\"" + url + "\"]\n  sites:"),
                      with(kMinimal, "sites:", "proxy: \"" + url + "\"\n  sites:")}) {
                    std::string said = complaint(text);
                    if (said == "none") said = show_settings(read(text));
                    EXPECT_EQ(said.find("S3CRET"), std::string::npos) << url << ": " << said;
                    EXPECT_TRUE(text.find("proxy: ") != std::string::npos || complaint(text) != "none")
                        << url;
                }
            }
        }
    }
}
TEST(SettingsTest, ASecondDocumentIsAnErrorWithItsPlace) {
    EXPECT_EQ(complaint(kMinimal + "---\nlog: {level: info}\n"),
              "f.yaml:8:1: a second document begins here; the configuration is one, without ---");
    EXPECT_EQ(complaint("---\n" + kMinimal + "---\n"), "none");
    EXPECT_EQ(complaint(kMinimal + "...\n"), "none");
}
TEST(SettingsTest, WhatHoldsNoSettingsIsReportedOnce) {
    EXPECT_EQ(complaint("# nothing\n"), "f.yaml: holds no settings; config/glia-sync.yaml is an example");
}
TEST(SettingsTest, AnchorsAreFollowedAndMergeKeysAreNot) {
    EXPECT_EQ(read(with(kMinimal, "start_from", "overlap: &ten 10m\n  poll_every: *ten\n  start_from"))
                  .sync.poll_every,
              std::chrono::minutes{10});
    EXPECT_NE(complaint(kMinimal + "  <<: {overlap: 1m}\n").find("f.yaml:7:3: merge keys (<<) are not known"),
              std::string::npos);
    EXPECT_NE(complaint(kMinimal + "log: {level: info, level: debug}\n").find("log.level stands here twice"),
              std::string::npos);
    EXPECT_NE(complaint(kMinimal + "log: {level: info}\nlog: {level: debug}\n").find("log stands here twice"),
              std::string::npos);
}
TEST(SettingsTest, ADsnFileHoldsOneLineBesideCommentsAndBlanks) {
    const std::string file = ::testing::TempDir() + "dsn" + std::to_string(getpid());
    const auto resolved = [&](const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
        try {
            return resolve_dsn({"", file});
        } catch (const ConfigError& error) {
            return std::string(error.what());
        }
    };
    const std::string uri = "postgresql://h/name";
    for (const std::string& text :
         {uri, uri + "\r\n", "\xef\xbb\xbf" + uri + "\n", "  " + uri + " \t \r\n\r\n",
          "# the database\r\n\r\n" + uri + "\r\n# end\r\n", "\n\n" + uri})
        EXPECT_EQ(resolved(text), uri) << text;
    EXPECT_NE(resolved(uri + "\npostgresql://other\n").find("holds more than one line"), std::string::npos);
    EXPECT_NE(resolved("# nothing\n").find("nothing but comments"), std::string::npos);
    EXPECT_NE(resolved("").find("is empty"), std::string::npos);
    EXPECT_NE(resolved("top S3CRETxyz\n").find("the 1st parameter has no ="), std::string::npos);
    EXPECT_NE(resolved("sslmode=bogus\n").find("sslmode must be"), std::string::npos);
    std::remove(file.c_str());
    EXPECT_NE(resolved_missing(file).find("No such file"), std::string::npos);
    EXPECT_NE(resolved_missing(::testing::TempDir()).find("is a folder"), std::string::npos);
    EXPECT_EQ(resolve_dsn({" postgresql://h/name\r\n", ""}), uri);
}
TEST(SettingsTest, AFileThatIsNoConfigurationIsReportedInOneLine) {
    const std::string file = ::testing::TempDir() + "config" + std::to_string(getpid());
    const auto error_of = [&](const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
        return load_complaint(file);
    };
    EXPECT_EQ(error_of(""), file + ": is empty; name the configuration with -c FILE");
    EXPECT_EQ(error_of("\n \n"), file + ": is empty; name the configuration with -c FILE");
    EXPECT_EQ(error_of(std::string("\x7f"
                                   "ELF\0\0",
                                   6)),
              file + ": is not a text in UTF-8; name the configuration with -c FILE");
    EXPECT_EQ(error_of(std::string(3'000'000, 'x')),
              file + ": is larger than 1 MB; name the configuration with -c FILE");
    std::remove(file.c_str());
    EXPECT_EQ(load_complaint(file),
              file + ": cannot be read (No such file or directory); name the configuration with -c FILE");
    EXPECT_EQ(load_complaint("/tmp"), "/tmp: is a folder, not a file; name the configuration with -c FILE");
    EXPECT_EQ(load_complaint("/dev/zero"),
              "/dev/zero: is larger than 1 MB; name the configuration with -c FILE");
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
    EXPECT_THROW(read_privacy_key(settings.privacy), std::runtime_error);
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
TEST(SettingsTest, AnIntervalOfStatisticsIsWholeSecondsThatDivideADay) {
    const auto interval = [](const std::string& length) {
        return kMinimal + "statistics: {interval: " + length + "}\n";
    };
    EXPECT_EQ(read(interval("90000ms")).statistics.interval, std::chrono::seconds{90});
    for (const char* length : {"67500ms", "7m", "2d"})
        EXPECT_NE(complaint(interval(length)).find("must be whole seconds that divide a day"),
                  std::string::npos)
            << length;
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
