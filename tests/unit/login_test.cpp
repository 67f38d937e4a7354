#include "sinks/postgres/login.hpp"

#include <gtest/gtest.h>

namespace glia::postgres {
namespace {

TEST(KindOfRefusal, WhatMayPassIsTriedAgain) {
    for (const char* code :
         {"57P03", "53300", "53200", "57P01", "57P02", "08006", "08P01", "58000", "XX000", "55000", "", "?"})
        EXPECT_EQ(kind_of_refusal({code, "words"}), SinkError::Kind::unavailable) << code;
}
TEST(KindOfRefusal, WhatAPersonHasToMendIsNot) {
    for (const char* code : {"28P01", "28000", "3D000", "42501", "42704", "22023", "0A000"})
        EXPECT_EQ(kind_of_refusal({code, "words"}), SinkError::Kind::misconfigured) << code;
}

TEST(KindOfRefusal, APoolerThatSaysEverythingWithOneCodeIsTakenAtItsWords) {
    for (const char* text : {"password authentication failed", "no such database: x", "no such user: x"})
        EXPECT_EQ(kind_of_refusal({"08P01", text}), SinkError::Kind::misconfigured) << text;
    for (const char* text : {"server login has been failing, try again later", "query_wait_timeout",
                             "no more connections allowed"})
        EXPECT_EQ(kind_of_refusal({"08P01", text}), SinkError::Kind::unavailable) << text;
}

TEST(RefusalsIn, TheSqlstateIsFoundInAnyLanguage) {
    EXPECT_EQ(
        refusals_in(
            "connection to server at \"127.0.0.1\", port 5432 failed: SCHWERWIEGEND:  28P01: "
            "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen\nLOCATION:  auth_failed, auth.c:1\n"),
        (std::vector<Refusal>{{"28P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen"}}));
}
TEST(RefusalsIn, EveryHostThatAnsweredCounts) {
    EXPECT_EQ(refusals_in("connection to server at \"a\", port 1 failed: Connection refused\n"
                          "connection to server at \"b\", port 1 failed: FATAL:  57P03: starting up\n"
                          "connection to server at \"c\", port 1 failed: FATAL:  28000: no entry"),
              (std::vector<Refusal>{{"57P03", "starting up"}, {"28000", "no entry"}}));
}
TEST(RefusalsIn, WhatNoServerSaidIsNone) {
    EXPECT_TRUE(
        refusals_in(
            "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs it there?\n")
            .empty());
    EXPECT_TRUE(refusals_in("FATAL:  too short").empty());
    EXPECT_TRUE(refusals_in("").empty());
}

TEST(ConnectFailureTest, TheReasonIsLibpqsAndNotAHostsName) {
    EXPECT_EQ(
        connect_failure("connection to server at \"password.certificate.example\" (10.0.0.1), port 5432 "
                        "failed: Connection refused\n"),
        (ConnectFailure{SinkError::Kind::unavailable, "connection refused"}));
    EXPECT_EQ(connect_failure(
                  "could not translate host name \"S3CRETxyz\" to address: Name or service not known\n"),
              (ConnectFailure{SinkError::Kind::unavailable, "the host's name does not resolve"}));
    EXPECT_EQ(
        connect_failure("connection to server at \"h\" (10.0.0.1), port 5432 failed: server does not support "
                        "SSL, but SSL was required\n")
            .kind,
        SinkError::Kind::misconfigured);
    EXPECT_EQ(
        connect_failure("connection to server at \"h\" (10.0.0.1), port 5432 failed: SSL error: certificate "
                        "verify failed\n")
            .kind,
        SinkError::Kind::misconfigured);
    const std::string refused = "connection to server at \"h\" (10.0.0.1), port 5432 failed: session is ";
    EXPECT_EQ(connect_failure(refused + "read-only\n").words,
              "the server is read-only, and target_session_attrs demands another one");
    EXPECT_EQ(connect_failure(refused + "not read-only\n").words,
              "the server is not read-only, and target_session_attrs demands it");
    EXPECT_EQ(connect_failure("S3CRETxyz").words.find("S3CRET"), std::string::npos);
}

}  // namespace
}  // namespace glia::postgres
