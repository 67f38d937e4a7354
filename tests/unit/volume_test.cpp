// Volume: which hours are counted, and which counts are unusual. The series are those of a contact centre
// that is open from 8 to 18 on weekdays.
#include <gtest/gtest.h>

#include <functional>

#include "daemon/sync/volume_schedule.hpp"
#include "sinks/volume.hpp"

namespace glia {
namespace {

using std::chrono::hours;

// A Monday.
constexpr Instant kMonday{std::chrono::sys_days{std::chrono::year{2024} / 5 / 6}};

/// The hours of the three days that end `until` hours after midnight on Thursday. `share(h)`: share of the
/// usual engagements in the hour that begins h hours after that midnight.
std::vector<VolumeHour> series(double hourly, int until, const std::function<double(int)>& share) {
    std::vector<VolumeHour> all;
    const Instant thursday = kMonday + hours{72};
    for (int hour = until - 72; hour < until; ++hour) {
        VolumeHour one;
        one.start = thursday + hours{hour};
        one.local_day = std::chrono::floor<std::chrono::days>(one.start).time_since_epoch().count();
        const auto of_day = (hour + 240) % 24;
        one.expected = of_day >= 8 && of_day < 18 ? hourly : hourly / 20;
        one.engagements = static_cast<std::int64_t>(*one.expected * share(hour));
        all.push_back(one);
    }
    return all;
}
double usual(int) {
    return 1;
}

TEST(Volume, TheUsualIsNotUnusual) {
    for (int until = 0; until < 24; ++until) {
        const VolumeStatus status = judge_volume(series(60, until, usual));
        EXPECT_FALSE(status.is_low()) << until;
        EXPECT_GT(status.low_threshold, 0) << until;
        EXPECT_FALSE(judge_volume(series(60, until, [](int) { return 0.75; })).is_low()) << until;
        EXPECT_FALSE(judge_volume(series(60, until, [](int) { return 3.0; })).is_low()) << until;
    }
}
TEST(Volume, AnOutageInTheCourseOfADayIsReportedWithinHours) {
    const auto outage = [](int hour) { return hour < 11 ? 1.0 : 0.0; };
    EXPECT_FALSE(judge_volume(series(60, 11, outage)).is_low());
    const VolumeStatus status = judge_volume(series(60, 13, outage));
    EXPECT_TRUE(status.is_low());
    EXPECT_EQ(status.seen, 0);
    EXPECT_EQ(status.hours, 2);
    EXPECT_FALSE(status.has_quiet_day);
}
TEST(Volume, AFilterThatReturnsHalfIsReported) {
    const auto half = [](int hour) { return hour < 10 ? 1.0 : 0.5; };
    EXPECT_TRUE(judge_volume(series(60, 13, half)).is_low());
    EXPECT_TRUE(judge_volume(series(1000, 11, half)).is_low())
        << "with more expected engagements, fewer hours suffice";
}
TEST(Volume, ADayThatBeginsQuietlyMayBeAHoliday) {
    const auto holiday = [](int hour) { return hour >= 0 && hour < 24 ? 0.1 : 1.0; };
    for (int until = 1; until < 24; ++until)
        EXPECT_FALSE(judge_volume(series(60, until, holiday)).is_low()) << until;
    // The day after is not low either.
    for (int until = 24; until < 48; ++until)
        EXPECT_FALSE(judge_volume(series(60, until, holiday)).is_low()) << until;
    EXPECT_TRUE(judge_volume(series(60, 15, holiday)).has_quiet_day);
}
TEST(Volume, ASecondQuietDayIsNoHoliday) {
    const auto outage = [](int hour) { return hour >= -24 ? 0.1 : 1.0; };
    EXPECT_FALSE(judge_volume(series(60, -4, outage)).is_low()) << "the first day";
    EXPECT_TRUE(judge_volume(series(60, 11, outage)).is_low());
}
TEST(Volume, NothingIsExpectedOnAHolidayThatIsKnownOrAtANewSite) {
    auto known = series(60, 15, [](int) { return 0.0; });
    for (VolumeHour& hour : known) hour.expected.reset();
    const VolumeStatus status = judge_volume(known);
    EXPECT_EQ(status, VolumeStatus{});
    EXPECT_FALSE(status.is_low());
    EXPECT_EQ(judge_volume({}), VolumeStatus{});
}
TEST(Volume, AFewEngagementsSayNothing) {
    EXPECT_EQ(low_volume_threshold(19), 0);
    EXPECT_EQ(judge_volume(series(1, 15, [](int) { return 0.0; })).low_threshold, 0);
    EXPECT_LT(low_volume_threshold(20), 3);
    EXPECT_EQ(low_volume_threshold(100), 60);
    EXPECT_EQ(low_volume_threshold(1000), 600);
}
TEST(Volume, ASmallSiteIsJudgedByADay) {
    const VolumeStatus status = judge_volume(series(5, 15, usual));
    EXPECT_EQ(status.hours, 24);
    EXPECT_TRUE(judge_volume(series(5, 10, [](int hour) { return hour < -14 ? 1.0 : 0.0; })).is_low());
}

VolumeSite site(Instant complete, OptionalInstant newest) {
    return {"s1", complete, newest};
}
std::vector<VolumeRange> ranges(Instant complete, OptionalInstant newest) {
    return volume_ranges({site(complete, newest)});
}

TEST(VolumeRanges, CompleteHoursAreCountedOnly) {
    const Instant now = kMonday + hours{10} + std::chrono::minutes{35};
    EXPECT_EQ(ranges(now, kMonday + hours{9}),
              (std::vector<VolumeRange>{{kMonday + hours{7}, kMonday + hours{10}}}));
}
TEST(VolumeRanges, ANewHourHasTheDayBeforeCountedAgain) {
    const auto counted = ranges(kMonday + hours{35}, kMonday + hours{33});
    ASSERT_EQ(counted.size(), 2U);
    EXPECT_EQ(counted.front().from, kMonday + hours{9});
    EXPECT_EQ(counted.front().before, counted.back().from);
    EXPECT_EQ(counted.back().before, kMonday + hours{35});
}
TEST(VolumeRanges, ANewDayAndTheFirstTimeHaveEightWeeksCounted) {
    for (const OptionalInstant newest : {OptionalInstant{}, OptionalInstant{kMonday + hours{23}}}) {
        const auto counted = ranges(kMonday + hours{25}, newest);
        EXPECT_EQ(counted.front().from, kMonday + hours{25} - hours{59 * 24});
        EXPECT_EQ(counted.back().before, kMonday + hours{25});
        EXPECT_EQ(counted.size(), 59U);
    }
}
TEST(VolumeRanges, ASiteThatIsBehindDoesNotHaveTheOthersCountedForEver) {
    const auto counted = volume_ranges(
        {site(kMonday - hours{9000}, std::nullopt), site(kMonday + hours{10}, kMonday + hours{9})});
    EXPECT_EQ(counted.size(), 59U);
    EXPECT_TRUE(volume_ranges({}).empty());
}

}  // namespace
}  // namespace glia
