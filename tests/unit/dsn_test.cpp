#include "sinks/postgres/dsn.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "daemon/config/settings.hpp"

namespace glia::postgres {
namespace {

const std::string kSecret = "S3CRETxyz";

std::string problem(const std::string& dsn) {
    return dsn_problem(dsn).value_or("none");
}

/// DSNs with the secret where a password is, or where a user error puts it. Some work, most do not.
std::vector<std::string> dsns_with_a_secret() {
    std::vector<std::string> all;
    for (const char* key : {"password", "PASSWORD", "pasword", "passwd", "pwd", "pass word", "sslpassword",
                            "passwordd", "scram_client_key", "oauth_client_secret", "options"}) {
        for (const char* equals : {"=", " = ", "= ", " ="}) {
            for (const char* value : {"S3CRETxyz",          "'S3CRETxyz'",          "'S3CRETxyz",
                                      "S3CRETxyz'",         "top S3CRETxyz",        "'top S3CRETxyz",
                                      "\"S3CRETxyz\"",      "'to''p S3CRETxyz'",    "'to\\'p S3CRETxyz'",
                                      "to\\ p\\ S3CRETxyz", "\\S3CRETxyz",          "'S3CRETxyz\\'",
                                      "a=S3CRETxyz",        "a S3CRETxyz=b",        "S3CRETxyz\\",
                                      "'S3CRETxyz' x",      "S3CRETxyz\nhost=h2",   "#S3CRETxyz",
                                      "S3CRETxyz port=x",   "x password=S3CRETxyz", "S3CRETxyz sslmode=bogus",
                                      "S3CRETxyz hots=h"}) {
                all.push_back("host=db " + std::string(key) + equals + value + " user=u");
                all.push_back(std::string(key) + equals + value);
            }
        }
    }
    for (const char* wrong :
         {"S3CRETxyz", "=S3CRETxyz", "S3CRETxyz=", "S3CRETxyz=x", "host=h port=S3CRETxyz",
          "host=h sslmode=S3CRETxyz", "connect_timeout=S3CRETxyz", "hostaddr=S3CRETxyz",
          "target_session_attrs=S3CRETxyz", "host=@S3CRETxyz@h", "dbname=postgresql://u:S3CRETxyz@h/db",
          "dbname='host=h password=S3CRETxyz'", "mysql://u:S3CRETxyz@h/db",
          "jdbc:postgresql://h/db?password=S3CRETxyz", "u:S3CRETxyz@h/db", "//u:S3CRETxyz@h",
          "user=u:S3CRETxyz host=h", "host=u:S3CRETxyz@h"})
        all.emplace_back(wrong);
    for (const char* scheme : {"postgresql://", "postgres://"}) {
        for (const char* password :
             {"S3CRETxyz",      "a#S3CRETxyz",       "a/S3CRETxyz",  "a?S3CRETxyz",   "a@S3CRETxyz",
              "a:S3CRETxyz",    "12/S3CRETxyz",      "12#S3CRETxyz", "12?S3CRETxyz",  "12?a=S3CRETxyz",
              "12,S3CRETxyz",   "[S3CRETxyz",        "%zzS3CRETxyz", "a%23S3CRETxyz", "S3CRETxyz%",
              "S3CRETxyz%4",    "a%40S3CRETxyz",     "a S3CRETxyz",  "a&S3CRETxyz",   "a=S3CRETxyz",
              "'S3CRETxyz'",    "12/S3CRETxyz?x",    "%00S3CRETxyz", "S3CRETxyz@@",   "S3CRETxyz/",
              "12/a@S3CRETxyz", "12/a?b=c@S3CRETxyz"}) {
            for (const char* rest :
                 {"@h/db", "@h:5432/db?sslmode=require", "@/db", "@h:x/db", "@h1:1,h2:2/db", "@[::1]:5/db"})
                all.push_back(scheme + std::string("u:") + password + rest);
            all.push_back(scheme + std::string(":") + password + "@h");
        }
        for (const char* query : {"password=S3CRETxyz", "pass%77ord=S3CRETxyz", "pasword=S3CRETxyz",
                                  "password=S3CRETxyz&password=a%26S3CRETxyz", "password==S3CRETxyz",
                                  "password%3DS3CRETxyz", "S3CRETxyz", "S3CRETxyz=a", "sslpassword=S3CRETxyz",
                                  "port=S3CRETxyz", "sslmode=require&password=%zzS3CRETxyz",
                                  "user=u&password=S3CRETxyz#x", "options=-cx.y%3DS3CRETxyz"})
            all.push_back(scheme + std::string("h/db?") + query);
        all.push_back(scheme + std::string("u%3AS3CRETxyz@h/db"));
        all.push_back(scheme + std::string("h/db\nS3CRETxyz"));
    }
    return all;
}

TEST(DsnTest, NoSecretIsShownOrQuoted) {
    int readable = 0;
    for (const std::string& dsn : dsns_with_a_secret()) {
        readable += parse_dsn(dsn) ? 1 : 0;
        for (const std::string& said :
             {masked_dsn(dsn), problem(dsn), dsn_surroundings_problem(dsn).value_or("none")}) {
            EXPECT_EQ(said.find("S3CRET"), std::string::npos) << dsn << "\n  -> " << said;
            EXPECT_EQ(said.find('\n'), std::string::npos) << dsn;
        }
        EXPECT_TRUE(parse_dsn(dsn) || problem(dsn) != "none") << dsn;
    }
    EXPECT_GT(readable, 100);
}

TEST(DsnTest, NoSecretIsShownOrQuotedWhateverStandsAroundIt) {
    std::mt19937 random(1);
    const auto noise = [&] {
        constexpr std::string_view kCharacters = "ab1'\"\\/#?@:%&=, []+\t";
        std::string text;
        for (auto count = random() % 6; count > 0; --count)
            text += kCharacters[random() % kCharacters.size()];
        return text;
    };
    for (int i = 0; i < 4000; ++i) {
        const std::string password = noise() + kSecret + noise();
        const char* quote = i % 4 == 1 ? "'" : "";
        const std::string dsn = i % 2 == 0
                                    ? "postgresql://u:" + password + "@h:5432/db?sslmode=prefer"
                                    : std::string("host=h password=") + quote + password + quote + " user=u";
        for (const std::string& said : {masked_dsn(dsn), problem(dsn)})
            EXPECT_EQ(said.find("S3CRET"), std::string::npos) << dsn << "\n  -> " << said;
    }
}

TEST(DsnTest, NoSecretOfAConfigurationIsQuoted) {
    for (const std::string& dsn : dsns_with_a_secret()) {
        std::string yaml;
        for (const char c : dsn)
            yaml += c == '\n' ? std::string("\\n") : (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
        const std::string text =
            "api: {base_url: \"https://a.example\", auth: {token_file: /t}, sites: [s]}\n"
            "sync: {start_from: 2024-01-01T00:00:00Z}\nsink: {postgres: {dsn: \"" +
            yaml + "\"}}\n";
        std::string said;
        try {
            said = show_settings(parse_settings(text, "f.yaml"));
        } catch (const ConfigError& error) {
            said = error.what();
            EXPECT_TRUE(said.starts_with("f.yaml:3:24: sink.postgres.dsn: ")) << said;
        }
        EXPECT_EQ(said.find("S3CRET"), std::string::npos) << dsn << "\n  -> " << said;
    }
}

TEST(DsnTest, WhatIsNotSecretIsShown) {
    EXPECT_EQ(masked_dsn(""), "");
    EXPECT_EQ(
        masked_dsn("host=db.example port=5433 user=glia dbname=contacts password=x sslmode=verify-full"),
        "user=glia password=******** dbname=contacts host=db.example port=5433 sslmode=verify-full");
    EXPECT_EQ(masked_dsn("postgresql://glia:a%23b@[::1]:5433/contacts?sslrootcert=/etc/ca.pem"),
              "user=glia password=******** dbname=contacts host=::1 port=5433 sslrootcert=/etc/ca.pem");
    EXPECT_EQ(masked_dsn("host=/run/postgresql dbname='my data'"), "dbname='my data' host=/run/postgresql");
    EXPECT_EQ(masked_dsn("password=unquoted words"), "********");
    EXPECT_EQ(masked_dsn("postgresql://u:12/34@h/db"), "dbname=******** host=******** port=********");
}

TEST(DsnTest, TheWrongPartIsNamed) {
    const auto says = [](const std::string& dsn, const std::string& words) {
        EXPECT_NE(problem(dsn).find(words), std::string::npos) << dsn << ": " << problem(dsn);
    };
    says("host=h pasword=x", "the 2nd parameter, after host, is unknown to libpq; did you mean password?");
    says("host=h top user=u", "the 2nd parameter, after host, has no =");
    says("host=h password='x", "the value of password has no closing quote");
    says("mysql://h/db", "begins with postgresql://");
    says("postgresql://u:%zz@h/db", "the user or the password has a % without");
    says("postgresql://[::1/db", "bracket");
    says("postgresql://h/db?sslmod=require", "the 1st parameter is unknown to libpq; did you mean sslmode?");
    says("postgresql://h/db?sslmode", "the 1st parameter behind the ? is not one keyword=value");
    says("postgresql://u:p/w@h/db", "the port must be a number from 1 to 65535");
    says("postgresql://u:p@w@h/db", "the host has an @ in it");
    says("port=0", "the port must be a number");
    says("host=a,b port=1,65536", "the port must be a number");
    says("host=a,b port=1,2,3", "port");
    says("host=a,b hostaddr=127.0.0.1", "host and hostaddr");
    says("sslmode=bogus", "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full");
    says("target_session_attrs=any-old", "target_session_attrs must be one of any, ");
    says("gssencmode=maybe", "gssencmode must be");
    says("channel_binding=maybe", "channel_binding must be");
    says("ssl_min_protocol_version=SSLv2", "ssl_min_protocol_version must be");
    says("connect_timeout=soon", "connect_timeout must be a whole number");
    says("keepalives_idle=soon", "keepalives_idle must be a whole number");
    says("hostaddr=localhost", "hostaddr must be an IP address");
    says("replication=database", "replication must not be set");
    says("dbname='name\r'", "control character");
    says("postgresql://h/name\r", "");
}

TEST(DsnTest, WhatLibpqTakesIsInOrder) {
    for (const char* dsn :
         {"", "host=h", "host=a,b,c port=1,2,3 target_session_attrs=read-write", "host=a,b port=5432",
          "hostaddr=127.0.0.1,::1", "postgresql://", "postgresql:///db?host=/run/postgresql",
          "postgresql://u:a%2Fb@h1,h2:5433/db?connect_timeout=10&ssl=true",
          "user='a b' password='a\\'b' options='-c geqo=off'", "host = h user = u",
          "sslmode=verify-full sslrootcert=/nowhere", "service=nowhere", "postgresql://h:/db",
          "password='it\\'s'"})
        EXPECT_EQ(problem(dsn), "none") << dsn;
}

TEST(DsnTest, WhatADsnRefersToMustBeThere) {
    const auto says = [](const std::string& dsn, const std::string& words) {
        const std::string said = dsn_surroundings_problem(dsn).value_or("none");
        EXPECT_NE(said.find(words), std::string::npos) << dsn << ": " << said;
    };
    says("sslrootcert=/nowhere/ca.pem sslmode=verify-ca",
         "the file of sslrootcert (/nowhere/ca.pem) cannot be read (No such file");
    says("sslcert=/nowhere/c.pem", "sslcert");
    says("passfile=/nowhere/pgpass", "passfile");
    says("service=no_such_service", "no such service");
    says("sslrootcert=/dev/null sslmode=verify-ca", "holds no certificate");
    says("sslrootcert=/nowhere/ca.pem sslmode=disable", "none");
    says("host=h", "none");
}

TEST(DsnTest, LibpqsEnvironmentIsRead) {
    setenv("PGSSLMODE", "bogus", 1);
    const std::string mode = dsn_surroundings_problem("host=h").value_or("none");
    const std::string overridden = dsn_surroundings_problem("host=h sslmode=require").value_or("none");
    unsetenv("PGSSLMODE");
    setenv("PGPORT", "S3CRETxyz", 1);
    const std::string port = dsn_surroundings_problem("host=h").value_or("none");
    unsetenv("PGPORT");
    EXPECT_EQ(mode,
              "the environment variable PGSSLMODE: sslmode must be one of disable, allow, prefer, require, "
              "verify-ca, verify-full");
    EXPECT_EQ(overridden, "none");
    EXPECT_EQ(port, "the environment variable PGPORT: the port must be a number from 1 to 65535");
}

TEST(SecretsTest, EverySecretIsMaskedTheLongestFirst) {
    Secrets secrets;
    secrets.add("pass");
    secrets.add("password1");
    secrets.add("");
    EXPECT_EQ(secrets.scrub("role \"password1\" has pass"), "role \"********\" has ********");
}
TEST(SecretsTest, AShortSecretIsMaskedAsAWordOnly) {
    Secrets secrets;
    secrets.add("a");
    EXPECT_EQ(secrets.scrub("database \"a\" was taken away"), "database \"********\" was taken away");
}
TEST(SecretsTest, AUsersNameStaysThoughItIsThePasswordToo) {
    Secrets secrets;
    add_secrets(secrets, {{"user", "postgres"}, {"password", "postgres"}, {"sslpassword", "other"}});
    EXPECT_EQ(secrets.scrub("user \"postgres\", other"), "user \"postgres\", ********");
}

}  // namespace
}  // namespace glia::postgres
