// Engagements by hour, and what the view `volume` expects.
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class VolumeTest : public SinkTest {
  protected:
    /// Inserts `count` engagements of the sites in the hour that begins at `hour`.
    void create(const std::string& hour, int count, const std::string& sites = "'s1'") {
        static int number = 0;
        for (int i = 0; i < count; ++i) {
            const std::string id = "'v" + std::to_string(++number) + "'";
            sql("INSERT INTO engagements (id, created_at, fetched_at, changed_at, core_hash, first_site_id) "
                "VALUES (" +
                id + ", timestamptz '" + hour + "' + interval '7 minutes', now(), now(), '', (ARRAY[" +
                sites + "])[1]); INSERT INTO engagement_sites SELECT " + id + ", unnest(ARRAY[" + sites +
                "]); SELECT 1");
        }
    }
    void count(const char* complete_through, const char* from, const char* before) {
        sink->reports().count_volume(
            {{"s1", at(complete_through), std::nullopt}, {"s2", at(complete_through), std::nullopt}},
            at(from), at(before));
    }
    std::string counted() const {
        return sql(
            "SELECT site_id, to_char(hour_start, 'DDHH24'), engagements FROM volume_hours ORDER BY 1, 2");
    }
};

TEST_F(VolumeTest, CompleteHoursOfASiteAreCountedFromItsFirstEngagementOn) {
    create("2024-05-06 10:00Z", 2);
    create("2024-05-06 12:00Z", 1, "'s1', 's2'");
    create("2024-05-06 13:00Z", 4);
    count("2024-05-06T13:40:00Z", "2024-05-06T00:00:00Z", "2024-05-06T14:00:00Z");
    EXPECT_EQ(counted(), "s1|0610|2\ns1|0611|0\ns1|0612|1") << "no engagement has s2 as its first site";
    create("2024-05-06 11:00Z", 1, "'s2'");
    count("2024-05-06T13:40:00Z", "2024-05-06T00:00:00Z", "2024-05-06T14:00:00Z");
    EXPECT_EQ(counted(), "s1|0610|2\ns1|0611|0\ns1|0612|1\ns2|0611|1\ns2|0612|1");
}
TEST_F(VolumeTest, WhatArrivesLateIsCountedAgainAndTheRestIsNotWritten) {
    create("2024-05-06 10:00Z", 2);
    create("2024-05-06 11:00Z", 2);
    const auto again = [&] { count("2024-05-06T12:00:00Z", "2024-05-06T10:00:00Z", "2024-05-06T12:00:00Z"); };
    again();
    const std::string versions = "SELECT string_agg(xmin::text, ' ' ORDER BY hour_start) FROM volume_hours";
    const std::string before = sql(versions);
    again();
    EXPECT_EQ(sql(versions), before);
    create("2024-05-06 11:00Z", 1);
    again();
    EXPECT_EQ(counted(), "s1|0610|2\ns1|0611|3");
}
TEST_F(VolumeTest, TheMedianIsOfTheSameHourByTheClockOfTheSite) {
    sql("INSERT INTO sites (id, iana_time_zone, fetched_at, content_hash, first_seen_at, changed_at) VALUES "
        "('s1', "
        "'Europe/Berlin', now(), '', now(), now()); SELECT 1");
    // 10:00 in Berlin is 9:00 UTC until the end of March, 8:00 UTC after it.
    sql("INSERT INTO volume_hours SELECT 's1', ((timestamp '2024-04-15 10:00' - w * interval '7 days') AT "
        "TIME ZONE "
        "'Europe/Berlin'), 10 * w FROM generate_series(0, 8) w; SELECT 1");
    const std::string of_day =
        "SELECT expected_engagements, weeks, engagements, hour_start_local FROM volume WHERE hour_start = "
        "'2024-04-15 "
        "08:00Z'";
    EXPECT_EQ(sql(of_day), "45|8|0|2024-04-15 10:00:00");
    // A holiday does not count for other days, and nothing is expected on a holiday.
    sql("INSERT INTO holidays VALUES ('s1', '2024-04-01'); SELECT 1");
    EXPECT_EQ(sql(of_day), "50|7|0|2024-04-15 10:00:00");
    sql("INSERT INTO holidays VALUES ('s1', '2024-04-15'); SELECT 1");
    EXPECT_EQ(
        sql("SELECT expected_engagements, is_holiday FROM volume WHERE hour_start = '2024-04-15 08:00Z'"),
        "NULL|t");
}
TEST_F(VolumeTest, ThreeWeeksAreTooFewToExpectAnything) {
    sql("INSERT INTO volume_hours SELECT 's1', timestamptz '2024-04-15 10:00Z' - w * interval '7 days', 5 "
        "FROM "
        "generate_series(0, 4) w; SELECT 1");
    EXPECT_EQ(sql("SELECT expected_engagements, weeks FROM volume ORDER BY hour_start DESC LIMIT 2"),
              "5|4\nNULL|3");
}
TEST_F(VolumeTest, DaysAreThoseOfTheClockOfTheSite) {
    // s1 is in a time zone where it is between one and two in the morning; of s2 nothing is expected. Both
    // have rows for past hours and for the current one, which must be left out.
    sql("CREATE FUNCTION zone_at_one() RETURNS text LANGUAGE sql AS $$SELECT name FROM pg_timezone_names "
        "WHERE name LIKE 'Etc/GMT%' AND extract(hour FROM now() AT TIME ZONE name) = 1 LIMIT 1$$; "
        "INSERT INTO sites (id, iana_time_zone, fetched_at, content_hash, first_seen_at, changed_at) VALUES "
        "('s1', zone_at_one(), now(), '', now(), now()); "
        "INSERT INTO volume_hours SELECT 's1', date_trunc('hour', now(), 'UTC') - h * interval '1 hour', "
        "CASE WHEN h <= 1 + 13 * 24 THEN 5 ELSE 7 END FROM generate_series(0, 80 * 24) h; "
        "INSERT INTO volume_hours SELECT 's2', date_trunc('hour', now(), 'UTC') - h * interval '1 hour', 3 "
        "FROM generate_series(0, 1) h; "
        "INSERT INTO holidays SELECT 's1', (now() AT TIME ZONE zone_at_one())::date - 3; SELECT 1");
    auto days = sink->reports().volume_days({"s1", "s2", "none"}, 14);
    ASSERT_EQ(days.size(), 2U);
    ASSERT_EQ(days["s1"].size(), 14U);
    const auto today = days["s1"].back().day;
    EXPECT_EQ(std::to_string(today),
              sql("SELECT (now() AT TIME ZONE zone_at_one())::date - date '1970-01-01'"));
    EXPECT_EQ(days["s1"].front().day, today - 13);
    EXPECT_EQ(days["s1"].back().engagements, 5) << "one hour is over";
    EXPECT_EQ(days["s1"].back().expected, 7.0);
    EXPECT_EQ(days["s1"].front().engagements, 5 * 24);
    EXPECT_TRUE(days["s1"][10].is_holiday);
    EXPECT_EQ(days["s1"][10].expected, std::nullopt);
    ASSERT_EQ(days["s2"].size(), 1U);
    EXPECT_EQ(days["s2"][0].engagements, 3);
    EXPECT_EQ(days["s2"][0].expected, std::nullopt);
}
TEST_F(VolumeTest, InTheFirstHourAfterMidnightTheLastDayIsYesterday) {
    sql("INSERT INTO sites (id, iana_time_zone, fetched_at, content_hash, first_seen_at, changed_at) SELECT "
        "'s1', name, now(), '', now(), now() FROM pg_timezone_names WHERE name LIKE 'Etc/GMT%' "
        "AND extract(hour FROM now() AT TIME ZONE name) = 0 LIMIT 1; "
        "INSERT INTO volume_hours SELECT 's1', date_trunc('hour', now(), 'UTC') - h * interval '1 hour', 5 "
        "FROM generate_series(0, 80 * 24) h; SELECT 1");
    const auto days = sink->reports().volume_days({"s1"}, 14)["s1"];
    ASSERT_EQ(days.size(), 14U);
    EXPECT_EQ(std::to_string(days.back().day),
              sql("SELECT (now() AT TIME ZONE iana_time_zone)::date - 1 - date '1970-01-01' FROM sites"));
    for (const VolumeDay& day : days) EXPECT_EQ(day.engagements, 5 * 24) << day.day;
}
TEST_F(VolumeTest, TheStatusSumsUpTheNewestHours) {
    sql("INSERT INTO sync_state (site_id, synced_through) VALUES ('s1', now()); INSERT INTO volume_hours "
        "SELECT 's1', "
        "date_trunc('hour', now(), 'UTC') - h * interval '1 hour', CASE WHEN h < 5 THEN 0 ELSE 30 END FROM "
        "generate_series(1, 9 * 7 * 24) h; SELECT 1");
    const auto sites = sink->reports().volume_sites();
    ASSERT_EQ(sites.size(), 1U);
    EXPECT_TRUE(sites[0].newest);
    const StatusReport report = sink->reports().status();
    ASSERT_TRUE(report.sites.at(0).volume);
    const VolumeStatus& volume = *report.sites[0].volume;
    EXPECT_EQ(volume.expected, 30.0 * static_cast<double>(volume.hours));
    EXPECT_TRUE(report.installed_at);
    sink->reports().prune_volume(Seconds{3600 * 100});
    EXPECT_EQ(sql("SELECT count(*) BETWEEN 98 AND 101 FROM volume_hours"), "t");
}

}  // namespace
}  // namespace glia
