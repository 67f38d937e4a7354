// The lists of fields, the migrated schema and the data dictionary agree; and what the API sends beyond the
// lists is reported.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "sinks/fields/statistics_fields.hpp"
#include "sinks/legacy_hash.hpp"
#include "sinks/postgres/directory_tables.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

struct Column {
    std::string type;
    bool nullable = true;
    std::string comment;
};

std::map<std::string, Column> columns_of(const Database& database, std::string_view table) {
    std::istringstream rows(database.sql(
        "SELECT a.attname || chr(1) || format_type(a.atttypid, a.atttypmod) || chr(1) || a.attnotnull || "
        "chr(1) || "
        "coalesce(col_description(a.attrelid, a.attnum), '') FROM pg_attribute a WHERE a.attrelid = 'glia." +
        std::string(table) + "'::regclass AND a.attnum > 0 AND NOT a.attisdropped"));
    std::map<std::string, Column> columns;
    for (std::string row; std::getline(rows, row);) {
        std::istringstream cells(row);
        std::string name, type, not_null, comment;
        std::getline(cells, name, '\1');
        std::getline(cells, type, '\1');
        std::getline(cells, not_null, '\1');
        std::getline(cells, comment);
        columns[name] = {type, not_null == "false", comment};
    }
    return columns;
}

std::string type_of(FieldKind kind) {
    switch (kind) {
        case FieldKind::id:
        case FieldKind::text:
            return "text";
        case FieldKind::time:
            return "timestamp with time zone";
        case FieldKind::seconds:
        case FieldKind::number:
            return "bigint";
        case FieldKind::flag:
            return "boolean";
        case FieldKind::json:
            return "jsonb";
        case FieldKind::position:
            return "integer";
        case FieldKind::hash:
            return "bytea";
        case FieldKind::texts:
            return "text[]";
        case FieldKind::list:
            break;
    }
    return "?";
}

/// Expects a column for each field; returns the names of the columns.
template <typename List>
std::set<std::string> expect_columns(const std::map<std::string, Column>& columns, std::string_view table) {
    std::set<std::string> names;
    List::for_each([&]<typename F>() {
        if constexpr (F::is_column) {
            const std::string name(F::column.view());
            names.insert(name);
            const auto column = columns.find(name);
            ASSERT_NE(column, columns.end()) << table << "." << name << " is not in the schema";
            EXPECT_EQ(column->second.type, type_of(F::kind)) << table << "." << name;
            EXPECT_FALSE(column->second.comment.empty()) << table << "." << name << " has no comment";
            const bool may_be_null = F::is_api_member && !F::required && name != "id";
            EXPECT_TRUE(column->second.nullable || !may_be_null) << table << "." << name;
            EXPECT_FALSE(column->second.nullable && F::required) << table << "." << name;
        }
    });
    return names;
}

/// Expects that the table has the columns of the lists and `others`, and no more.
template <typename... Lists>
void expect_table(const Database& database, std::string_view table, const std::set<std::string>& others) {
    const auto columns = columns_of(database, table);
    std::set<std::string> listed = others;
    (listed.merge(expect_columns<Lists>(columns, table)), ...);
    for (const auto& [name, column] : columns) EXPECT_TRUE(listed.contains(name)) << table << "." << name;
}

TEST(Fields, AreTheColumnsOfTheSchema) {
    using namespace postgres;
    const Database database;
    postgres::open({database.dsn(), "glia"})->migrate();
    expect_table<EngagementFields, RowMetadataFields>(database, "engagements",
                                                      {"first_seen_at", "changed_at", "missing_since"});
    expect_table<ChildKeyFields, LegFields, QueueRefRowFields>(database, "legs", {});
    expect_table<ChildKeyFields, OperatorFields>(database, "engagement_operators", {});
    expect_table<ChildKeyFields, QueueRefRowFields>(database, "engagement_queues", {});
    expect_table<ChildKeyFields, LegKeyFields, QueueRefRowFields>(database, "leg_queues", {});
    expect_table<ChildKeyFields, RecordingRowFields>(database, "audio_recordings",
                                                     {"path", "size_bytes", "sha256", "downloaded_at"});
    expect_table<ChildKeyFields, MessageFields>(database, "chat_messages", {});
    expect_table<OperatorEntryFields, DirectoryRowFields>(database, "operators",
                                                          {"first_seen_at", "changed_at", "missing_since"});
    expect_table<SiteEntryFields, DirectoryRowFields>(database, "sites", {"first_seen_at", "changed_at"});
    expect_table<QueueEntryFields, ListedQueueRowFields>(database, "queues",
                                                         {"name_as_of", "name_fetched_at", "missing_since"});
}

/// Expects that measures are nullable, and nothing else is.
template <typename List>
void expect_counted(const Database& database, std::string_view table) {
    auto columns = columns_of(database, table);
    List::for_each([&]<typename F>() {
        const std::string name(F::column.view());
        EXPECT_EQ(columns[name].type, type_of(F::kind)) << table << "." << name;
        EXPECT_EQ(columns[name].nullable, F::is_api_member && F::kind == FieldKind::number)
            << table << "." << name;
        columns.erase(name);
    });
    for (const auto& [name, column] : columns) ADD_FAILURE() << table << "." << name << " has no field";
}

TEST(Fields, AreTheColumnsOfTheTablesOfStatistics) {
    const Database database;
    postgres::open({database.dsn(), "glia"})->migrate();
    expect_counted<QueueWaitFields>(database, "queue_wait_intervals");
    expect_counted<HandleFields>(database, "handle_intervals");
    expect_counted<WrapUpFields>(database, "wrap_up_intervals");
    expect_counted<OperatorStateFields>(database, "operator_state_intervals");
}

TEST(Fields, StandInTheDataDictionary) {
    std::ifstream file(GLIA_TOP "/config/analytics/DICTIONARY.md");
    std::stringstream text;
    text << file.rdbuf();
    const auto expect_all = [&](const auto& columns, const char* table) {
        const std::string heading = std::string("### ") + table;
        const std::size_t begin = text.str().find(heading + "\n");
        ASSERT_NE(begin, std::string::npos) << table;
        const std::string part = text.str().substr(begin, text.str().find("\n### ", begin + 1) - begin);
        for (const std::string_view column : columns)
            EXPECT_NE(part.find("`" + std::string(column) + "`"), std::string::npos)
                << table << " " << column;
    };
    expect_all(EngagementFields::columns(), "engagements");
    expect_all(LegFields::columns(), "legs");
    expect_all(MessageFields::columns(), "chat_messages");
    expect_all(OperatorEntryFields::columns(), "operators");
    expect_all(SiteEntryFields::columns(), "sites");
    expect_all(QueueEntryFields::columns(), "queues");
}

class StoredFields : public SinkTest {};

Engagement with_extra(const std::string& id, const char* extra) {
    Engagement e = engagement(id);
    e.extra = extra;
    return e;
}

TEST_F(StoredFields, WhatTheApiSendsBeyondItsDocumentationIsCounted) {
    Leg odd = leg("l1");
    odd.extra = R"({"sentiment":-3})";
    Engagement two = with_extra("e2", R"({"mood":"calm","duration":"109"})");
    two.legs = {odd};
    commit({listed(with_extra("e1", R"({"mood":"angry"})")), detailed(two)});
    const std::string all =
        "SELECT path, kind, example, example_of, times_seen FROM undocumented_members ORDER BY path";
    const std::string expected =
        "duration|type|\"109\"|e2|1\n"
        "legs[].sentiment|unknown|-3|e2|1\n"
        "mood|unknown|\"angry\"|e1|2";
    EXPECT_EQ(sql(all), expected);
    // The same again changes nothing.
    commit({listed(with_extra("e1", R"({"mood":"angry"})"), kNoon + Seconds{60}),
            detailed(two, kNoon + Seconds{60})});
    EXPECT_EQ(sql(all), expected);
    EXPECT_EQ(sql("SELECT bool_and(last_seen_at = first_seen_at) FROM undocumented_members"), "t");
    EXPECT_EQ(sink->reports().status().undocumented_members.size(), 3u);
    // An example is erased with its engagement.
    sink->erasures().forget({"e1", {}, {}});
    erase_ordered(*sink);
    EXPECT_EQ(sql("SELECT example, example_of FROM undocumented_members WHERE path = 'mood'"), "NULL|NULL");
}

TEST_F(StoredFields, ExamplesThatPrivacyDoesNotKeepAnyMoreAreErased) {
    Engagement dropped = engagement("e2");
    dropped.extra.reset();
    UndocumentedOfRecord found;
    found.engagement["secret"].times = 3;
    dropped.undocumented_members = std::make_shared<UndocumentedOfRecord>(found);
    commit({listed(with_extra("e1",
                              R"({"mood":"angry","duration":"109","visitor_name":7,"visitor":{"href":5}})")),
            listed(dropped)});
    const std::string all =
        "SELECT path, example, example_of, times_seen FROM undocumented_members ORDER BY path";
    EXPECT_EQ(sql(all),
              "duration|\"109\"|e1|1\nmood|\"angry\"|e1|1\nsecret|NULL|NULL|3\nvisitor.href|5|e1|1\nvisitor_"
              "name|7|e1|1");
    sink->erasures().erase_examples({false, {"visitor_name", "visitor.href"}});
    EXPECT_EQ(sql(all),
              "duration|\"109\"|e1|1\nmood|\"angry\"|e1|1\nsecret|NULL|NULL|3\nvisitor.href|NULL|NULL|"
              "1\nvisitor_name|NULL|NULL|1");
    sink->erasures().erase_examples({true, {}});
    EXPECT_EQ(sql("SELECT path FROM undocumented_members WHERE example IS NOT NULL"), "duration");
}

TEST_F(StoredFields, MoreThanAThousandUndocumentedNamesAreNotCounted) {
    sql("INSERT INTO undocumented_members SELECT 'x' || n, 'unknown', NULL, NULL, now(), now(), 1 FROM "
        "generate_series(1, 1000) n");
    commit({listed(with_extra("e1", R"({"x7":1,"y":2})"))});
    EXPECT_EQ(sql("SELECT count(*), max(times_seen) FROM undocumented_members"), "1000|2");
}

TEST_F(StoredFields, HashesOfTheFirstFormAreRecognisedOnceAndWithoutARequest) {
    Engagement e = engagement("e1");
    e.legs = {leg("l1")};
    Engagement listed_only = e;
    listed_only.legs.reset();
    commit({listed(listed_only)});
    commit({detailed(e)});
    sql("DELETE FROM detail_queue");
    sql("UPDATE engagements SET core_hash = '" + to_bytea(legacy_core_hash(e)) + "', list_hash = '" +
        to_bytea(legacy_core_hash(e)) + "', legs_hash = '" + to_bytea(legacy_legs_hash(*e.legs)) + "'");
    const std::string row =
        "SELECT xmin, octet_length(core_hash), octet_length(list_hash), octet_length(legs_hash) FROM "
        "engagements";
    const std::string changed_at = sql("SELECT changed_at FROM engagements");
    // A list item brings its hashes into the new form.
    const CommitCounts counts = commit({listed(listed_only, kNoon + Seconds{60})});
    EXPECT_EQ(counts.unchanged, 1);
    EXPECT_EQ(counts.queued, 0);
    EXPECT_EQ(sql("SELECT octet_length(core_hash), octet_length(list_hash), octet_length(legs_hash) FROM "
                  "engagements"),
              "17|17|16");
    // A detail does so for the hash of the legs.
    commit({detailed(e, kNoon + Seconds{90})});
    EXPECT_EQ(sql("SELECT octet_length(legs_hash) FROM engagements"), "17");
    EXPECT_EQ(sql("SELECT changed_at FROM engagements"), changed_at);
    // Afterwards nothing is written.
    const std::string before = sql(row);
    commit({listed(listed_only, kNoon + Seconds{120}), detailed(e, kNoon + Seconds{120})});
    EXPECT_EQ(sql(row), before);
}

TEST_F(StoredFields, WhatChangedUnderAHashOfTheFirstFormIsFetchedAgain) {
    Engagement e = engagement("e1");
    commit({listed(e)});
    sql("DELETE FROM detail_queue");
    sql("UPDATE engagements SET core_hash = '" + to_bytea(legacy_core_hash(e)) + "', list_hash = core_hash");
    sql("UPDATE engagements SET list_hash = core_hash");
    e.duration = 77;
    const CommitCounts counts = commit({listed(e, kNoon + Seconds{60})});
    EXPECT_EQ(counts.changed, 1);
    EXPECT_EQ(counts.queued, 1);
}

}  // namespace
}  // namespace glia
