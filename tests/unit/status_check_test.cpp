// `status --check`: levels, and the form that monitors read.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "daemon/sync/status_check.hpp"
#include "sinks/durations.hpp"

namespace glia {
namespace {

const Instant kNow{std::chrono::sys_days{std::chrono::year{2024} / 5 / 6}};

class StatusCheck : public ::testing::Test {
  protected:
    StatusCheck() {
        report.sites.resize(1);
        site().site_id = "s1";
        site().last_success_at = kNow;
        site().lag_seconds = 40;
    }
    SiteStatus& site() { return report.sites[0]; }
    CheckResult check(Seconds poll_every = Seconds{60}) const {
        return check_status(report, {"s1"}, poll_every);
    }
    CheckLevel level() const { return check().level; }

    StatusReport report;
};

TEST_F(StatusCheck, InOrderIsOneLineWithFigures) {
    report.details_waiting = 7;
    const CheckResult result = check();
    EXPECT_EQ(result.level, CheckLevel::ok);
    EXPECT_EQ(result.line,
              "GLIA-SYNC OK: 1 site in order | lag=40s;900;3600;0 sites_failing=0;0;;0;1 rejected=0;0;;0 "
              "details_waiting=7;;;0 details_parked=0;10;;0 missing=0;;;0");
}
TEST_F(StatusCheck, ALagIsAWarningAndThenCritical) {
    site().lag_seconds = 901;
    EXPECT_EQ(level(), CheckLevel::warning);
    EXPECT_EQ(check(Seconds{600}).level, CheckLevel::ok) << "five polls";
    site().lag_seconds = 3601;
    EXPECT_EQ(level(), CheckLevel::critical);
    EXPECT_NE(check().line.find("site s1 is 1h00m behind"), std::string::npos) << check().line;
}
TEST_F(StatusCheck, AFailureIsAWarningAndNoTextOfItIsShown) {
    site().last_error = "Jane Visitor";
    site().last_error_at = kNow + Seconds{1};
    EXPECT_EQ(level(), CheckLevel::warning);
    EXPECT_EQ(check().line.find("Jane"), std::string::npos);
    site().last_success_at.reset();
    EXPECT_EQ(level(), CheckLevel::critical);
}
TEST_F(StatusCheck, ASiteThatNobodyReadsIsAWarning) {
    site().last_success_at.reset();
    EXPECT_EQ(level(), CheckLevel::warning);
    site().lease_owner = "somebody";
    EXPECT_EQ(level(), CheckLevel::ok) << "a first pass";
    EXPECT_EQ(check_status(report, {"s1", "s2"}, Seconds{60}).level, CheckLevel::warning);
}
TEST_F(StatusCheck, WhatIsLeftOverIsAWarning) {
    report.rejected = 1;
    EXPECT_EQ(level(), CheckLevel::warning);
    report.rejected = 0;
    report.details_parked = 11;
    EXPECT_EQ(level(), CheckLevel::warning);
    report.details_parked = 10;
    EXPECT_EQ(level(), CheckLevel::ok);
    site().volume = VolumeStatus{3, 120, 20, 72, false};
    EXPECT_EQ(level(), CheckLevel::warning);
    site().volume->seen = 80;
    report.clocks.push_back({"m", 90, kNow});
    EXPECT_EQ(level(), CheckLevel::warning);
}
TEST_F(StatusCheck, TheGravestComesFirstAndTheLineStaysOne) {
    report.rejected = 3;
    site().lag_seconds = 4000;
    site().name = "Bank | one\n";
    const std::string line = check().line;
    EXPECT_EQ(line.find("GLIA-SYNC CRITICAL: site Bank / one"), 0U) << line;
    EXPECT_NE(line.find("; 3 records are rejected"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 1);
}
TEST_F(StatusCheck, TheFiguresAreInTheFormOfThePlugins) {
    const std::string line = check().line;
    const std::regex figure(R"((\w+)=-?\d+s?(;\d*){0,4})");
    std::istringstream figures(line.substr(line.find('|') + 1));
    int count = 0;
    for (std::string word; figures >> word; ++count) EXPECT_TRUE(std::regex_match(word, figure)) << word;
    EXPECT_EQ(count, 6);
}
TEST_F(StatusCheck, WhatCannotBeReadIsUnknownUnlessTheDatabaseIsAway) {
    EXPECT_EQ(check_failed(true, "x").level, CheckLevel::critical);
    EXPECT_EQ(check_failed(false, "x").line, "GLIA-SYNC UNKNOWN: x");
}

}  // namespace
}  // namespace glia
