// Text from outside on its way to a terminal or a log line.
#include "daemon/base/printable.hpp"

#include <gtest/gtest.h>

#include "daemon/base/log.hpp"

namespace glia {
namespace {

TEST(Printable, TextOfPeopleStaysAsItIs) {
    for (const char* text : {"", "plain", "Müller, 山田 and 🦊", "a\\b \"c\"", "नमस्ते\u200d", "\ue000"})
        EXPECT_EQ(printable(text), text);
}
TEST(Printable, WhatATerminalObeysIsShown) {
    EXPECT_EQ(printable("\033[2J\033]0;title\007"), "\\u001b[2J\\u001b]0;title\\u0007");
    EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
    EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\u0000\\u007f");
    EXPECT_EQ(printable("\u009b31m\u0085"), "\\u009b31m\\u0085") << "C1: CSI in one character, next line";
    EXPECT_EQ(printable("\x9b"
                        "31m"),
              "\ufffd31m")
        << "the same as a byte, which is not UTF-8";
    EXPECT_EQ(printable("\u2028\u2029"), "\\u2028\\u2029");
}
TEST(Printable, WhatTurnsTheDirectionOrHidesIsShown) {
    EXPECT_EQ(printable("\u202egnp.exe\u202c\u2066x\u2069\u200f\u061c"),
              "\\u202egnp.exe\\u202c\\u2066x\\u2069\\u200f\\u061c");
    EXPECT_EQ(printable("\U000e0041"), "\\udb40\\udc41");
    EXPECT_EQ(printable("\ufeff"), "\\ufeff");
}
TEST(Printable, APayloadKeepsItsLines) {
    EXPECT_EQ(printable_lines("{\n\t\"a\": \"\033\"\r\n}"), "{\n\t\"a\": \"\\u001b\"\\r\n}");
}
TEST(Printable, JsonKeepsItsValueAndItsLayout) {
    EXPECT_EQ(printable_json("{\n  \"a\": \"\u009b\\n\\\"\x7f\\\\\"\n}"),
              "{\n  \"a\": \"\\u009b\\n\\\"\\u007f\\\\\"\n}");
    EXPECT_EQ(printable_json("[\"tab\there\",\n\"line\nend\"]"), "[\"tab\\there\",\n\"line\\nend\"]")
        << "raw control characters, as some APIs send them";
}

TEST(LogLine, ValuesFromOutsideCannotMakeALineOrMoveTheCursor) {
    for (const auto format : {LogFormat::text, LogFormat::json}) {
        const std::string line =
            log::render("site failed", {{"error", "x\n2026 error all is well\033[1A\u009b2K\u202e"}}, format);
        for (const char* raw : {"\n", "\033", "\u009b", "\u202e"})
            EXPECT_EQ(line.find(raw), std::string::npos) << line;
        EXPECT_NE(line.find(format == LogFormat::json ? "x\\n2026" : "x\\u000a2026"), std::string::npos)
            << line;
        EXPECT_NE(line.find("\\u001b[1A\\u009b2K\\u202e"), std::string::npos) << line;
    }
    EXPECT_EQ(log::render("e", {{"name", "\u202e"}}, LogFormat::text), "e name=\"\\u202e\"");
    EXPECT_EQ(log::render("e", {{"name", "Müller"}}, LogFormat::text), "e name=Müller");
}

}  // namespace
}  // namespace glia
