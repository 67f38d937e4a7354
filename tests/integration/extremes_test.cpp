// Values at the limits of their types: PostgreSQL stores whatever the API may send, and no view fails because
// of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 62;

std::string content(const std::filesystem::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Extremes : public SinkTest {
  protected:
    void ask_everything() const {
        for (const char* view :
             {"engagement_facts", "leg_facts", "queue_hourly", "operator_daily", "freshness", "removals"}) {
            EXPECT_NO_THROW(sql(std::string("SELECT * FROM ") + view)) << view;
        }
        for (const char* view : {"queue_intervals", "operator_intervals"})  // queried by day
            EXPECT_NO_THROW(sql(std::string("SELECT * FROM ") + view + " WHERE day = '2024-01-01 00:00Z'"))
                << view;
        for (const char* view : {"transfers", "repeat_contacts", "chat_facts", "chat_responses"})
            EXPECT_NO_THROW(sql(std::string("SELECT * FROM ") + view)) << view;
        const std::filesystem::path config = std::filesystem::path(GLIA_TOP) / "config";
        for (const auto& question : std::filesystem::directory_iterator(config / "analytics/questions"))
            EXPECT_NO_THROW(sql(content(question.path()))) << question.path();
        const std::string board = content(config / "grafana/engagements.json");
        const std::regex query("\"rawSql\": \"([^\"]+)\""), filter(R"(\$__timeFilter\(([^)]*)\))"),
            edge(R"(\$__time(From|To)\(\))"), variable(R"(\$\{\w+:sqlstring\})");
        int panels = 0;
        for (std::sregex_iterator at(board.begin(), board.end(), query), end; at != end; ++at, ++panels) {
            std::string text =
                std::regex_replace((*at)[1].str(), filter, "$1 BETWEEN '2023-12-31' AND '2024-01-03'");
            text = std::regex_replace(text, edge, "timestamptz '2024-01-03'");
            text = std::regex_replace(text, variable, "'UTC'");
            EXPECT_NO_THROW(sql(text)) << text;
        }
        EXPECT_GT(panels, 8);
    }
};

TEST_F(Extremes, TwoLegsOfHugeDurationsAreCapped) {
    Engagement e = engagement("e1");
    e.duration = kHuge;
    e.legs = {leg("l1"), leg("l2")};
    for (Leg& one : *e.legs) {
        one.duration = kHuge;
        one.operator_id = "o1";
        one.accepted_at = kNoon;
    }
    EXPECT_EQ(commit({detailed(e)}).inserted, 1);
    EXPECT_EQ(sql("SELECT handle_seconds FROM engagement_facts"), "9223372036854775807");
    EXPECT_EQ(sql("SELECT handle_seconds, average_handle_seconds FROM operator_daily"),
              "9223372036854775807|4.611686018427388e+18");
    for (Leg& one : *e.legs) one.duration = -kHuge - kHuge;
    commit({detailed(e, kNoon + Seconds{1})});
    EXPECT_EQ(sql("SELECT handle_seconds FROM engagement_facts"), "-9223372036854775808");
    ask_everything();
}
TEST_F(Extremes, TimesAtTheEndsOfWhatTheApiCanSayAreStored) {
    int number = 0;
    for (const char* created :
         {"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0001-01-02T00:00:00+14:00"}) {
        const auto time = parse_timestamp(created);
        ASSERT_TRUE(time) << created;
        Engagement e = engagement("e" + std::to_string(++number));
        e.created_at = *time;
        e.legs = {leg("l1")};
        e.legs->at(0).requested_at = *time;
        e.legs->at(0).accepted_at = kNoon;
        e.legs->at(0).ended_at = *time;
        const CommitCounts counts = commit({detailed(e), listed(engagement("f" + std::to_string(number)))});
        EXPECT_EQ(counts.inserted, 2) << created;
        EXPECT_EQ(counts.rejected, 0) << created;
    }
    EXPECT_EQ(sql("SELECT count(*) FROM rejected_records"), "0");
    ask_everything();
    EXPECT_NO_THROW(sink->reports().history(10));
}
TEST_F(Extremes, NoViewFailsWhateverAnIntegerOrATimeIs) {
    std::vector<FetchedEngagement> many;
    for (int i = 0; i < 60; ++i) {
        Engagement e = engagement("e" + std::to_string(i));
        e.legs = {leg("l1"), leg("l2")};
        for (Leg& one : *e.legs) {
            one.operator_id = "o" + std::to_string(i % 2);
            one.accepted_at = kNoon;
        }
        FetchedEngagement fetched = detailed(e);
        fetched.site_id = "s1";
        many.push_back(std::move(fetched));
    }
    commit(std::move(many));
    sink->site_leases().acquire({"s1"}, "me", Seconds{1}, true);
    // Sets every integer and time that is not a key, in every row, to extremes; each round mixes them
    // differently.
    const std::string mix = R"(
        DO $$
        DECLARE
            c record;
            times text[] := ARRAY['0001-01-01', '9999-12-31 23:59:59.999999', 'infinity', '-infinity',
                                  '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999', '1970-01-01'];
            numbers text[] := ARRAY['9223372036854775807', '-9223372036854775808', '4611686018427387904',
                                    '-4611686018427387904', '0', '-1'];
        BEGIN
            FOR c IN SELECT table_name, column_name, data_type FROM information_schema.columns
                     JOIN information_schema.tables t USING (table_schema, table_name)
                     WHERE table_schema = 'glia' AND table_type = 'BASE TABLE' AND table_name <> 'schema_version'
                       AND data_type IN ('bigint', 'timestamp with time zone')
                       AND is_identity = 'NO'
            LOOP
                EXECUTE format('UPDATE glia.%I SET %I = ((%L::text[])[1 + floor(random() * %s)::int])::%s',
                               c.table_name, c.column_name,
                               CASE c.data_type WHEN 'bigint' THEN numbers ELSE times END,
                               cardinality(CASE c.data_type WHEN 'bigint' THEN numbers ELSE times END),
                               c.data_type);
            END LOOP;
        END $$; SELECT 1)";
    for (int round = 0; round < 3; ++round) {
        sql("SELECT setseed(0." + std::to_string(round) + "); " + mix);
        ask_everything();
    }
}

}  // namespace
}  // namespace glia
