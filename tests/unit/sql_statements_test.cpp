// The build step that reads sinks/*/sql/*.sql: what it makes of a file, and each of its complaints.
#include <gtest/gtest.h>

#include "sinks/embed_sql/statements.hpp"

namespace glia::embed_sql {
namespace {

/// Reads one file, whose statements are all called.
Statements read(const std::string& text, char parameter_prefix = '$') {
    return read_statements({{"sites.sql", text}}, {{"sites.cpp", "run(sql::one); run(sql::two);"}},
                           parameter_prefix, {{"sites.columns", "id, name"}});
}

/// The text of the one statement of a file.
std::string text_of(const std::string& text, char parameter_prefix = '$') {
    const Statements statements = read(text, parameter_prefix);
    EXPECT_EQ(statements.problems, std::vector<std::string>{});
    return statements.all.size() == 1 ? statements.all.front().text : "not one statement";
}

std::string problem_of(const std::string& text) {
    const Statements statements = read(text);
    EXPECT_LE(statements.problems.size(), 1u) << statements.problems.back();
    return statements.problems.empty() ? "none" : statements.problems.front();
}

TEST(SqlStatements, AreReadByNameWithTheirParameters) {
    const Statements statements = read(
        "-- About sites.\n\n"
        "-- name: two(site, epoch)\n-- Why.\nUPDATE t SET e = :epoch\nWHERE s = :site;\n\n"
        "-- name: one\nSELECT 1;\n");
    EXPECT_EQ(statements.problems, std::vector<std::string>{});
    EXPECT_EQ(statements.all,
              (std::vector<Statement>{
                  {"one", {}, "SELECT 1;", "sites.sql", 8},
                  {"two", {"site", "epoch"}, "UPDATE t SET e = $2\nWHERE s = $1;", "sites.sql", 3}}));
}

TEST(SqlStatements, NumberParametersInTheOrderOfTheList) {
    EXPECT_EQ(text_of("-- name: one(b, a)\nSELECT :a, :b, :a;"), "SELECT $2, $1, $2;");
    EXPECT_EQ(text_of("-- name: one(b, a)\nSELECT :a, :b;", '?'), "SELECT ?2, ?1;");
}

TEST(SqlStatements, MayListParametersOverSeveralLines) {
    EXPECT_EQ(text_of("-- name: one(a, b,\n--     c)\n-- Why (not).\nSELECT :a, :b, :c;"),
              "SELECT $1, $2, $3;");
}

TEST(SqlStatements, LoseTheirComments) {
    EXPECT_EQ(text_of("-- name: one(a)\n-- :b\nSELECT :a, -- :c\n  -- :d\n  2;\n-- the end"),
              "SELECT $1,\n  2;");
}

TEST(SqlStatements, KeepWhatIsNoParameter) {
    for (const std::string sql :
         {"SELECT '2 :a'::text", "SELECT 'it''s :a'", R"(SELECT ":a" FROM t)", "SELECT $$ :a $1 -- $$",
          "SELECT $body$ :a $$ $body$", "SELECT /* :a */ 1", "SELECT f(x => 1), y::text[]",
          "SELECT 'a' <@ b, c @> d", "SELECT e ? 't'", "SELECT x[1 : 2]", "SELECT '--', 1"}) {
        EXPECT_EQ(text_of("-- name: one\n" + sql + ";"), sql + ";");
    }
    EXPECT_EQ(text_of("-- name: one(a)\nSELECT :a::text, '::', x::date;"), "SELECT $1::text, '::', x::date;");
}

TEST(SqlStatements, NameListsOfColumns) {
    EXPECT_EQ(text_of("-- name: one(a)\nSELECT @sites.columns@ FROM t WHERE t @> :a;"),
              "SELECT id, name FROM t WHERE t @> $1;");
    EXPECT_EQ(problem_of("-- name: one\nSELECT @sites.columms@;"),
              "sites.sql:2: there is no list @sites.columms@; add it to sinks/embed_sql/column_lists.cpp");
}

TEST(SqlStatements, MustUseWhatTheyList) {
    EXPECT_EQ(problem_of("\n-- name: one(site, epoch)\nSELECT :site;"),
              "sites.sql:2: one does not use :epoch; remove it from the list, and from the call in C++");
}

TEST(SqlStatements, MustListWhatTheyUse) {
    EXPECT_EQ(problem_of("-- name: one(site)\n-- Why.\nSELECT :site,\n  :epoch;"),
              "sites.sql:4: :epoch is not in the list of one; add it where C++ passes it: "
              "`-- name: one(…, epoch)`");
}

TEST(SqlStatements, MayNotListTwice) {
    EXPECT_EQ(problem_of("-- name: one(a, a)\nSELECT :a;"),
              "sites.sql:1: :a stands twice in the list of one; C++ passes it once, so list it once");
}

TEST(SqlStatements, MayNotUseNumbers) {
    EXPECT_EQ(problem_of("-- name: one\nSELECT $1;"),
              "sites.sql:2: $1 is a number; name the parameter: `:site`, and `-- name: one(site)`");
    EXPECT_EQ(problem_of("-- name: one\nSELECT ?1;"),
              "sites.sql:2: ?1 is a number; name the parameter: `:site`, and `-- name: one(site)`");
}

TEST(SqlStatements, HaveNamesOfTheirOwn) {
    const Statements statements = read_statements(
        {{"a.sql", "-- name: one\nSELECT 1;"}, {"b.sql", "-- name: two\nSELECT 2;\n-- name: one\nSELECT 3;"}},
        {{"a.cpp", "sql::one sql::two"}}, '$', {});
    EXPECT_EQ(statements.problems,
              std::vector<std::string>{
                  "b.sql:3: one is the name of a statement in a.sql:1 already; choose another"});
}

TEST(SqlStatements, MustBeCalled) {
    const std::vector<File> files = {{"a.sql", "-- name: one\nSELECT 1;"}};
    const std::vector<std::string> uncalled = {
        "a.sql:1: no source calls sql::one; call it, or delete the statement"};
    EXPECT_EQ(read_statements(files, {{"a.cpp", "run(sql::one)"}}, '$', {}).problems,
              std::vector<std::string>{});
    EXPECT_EQ(read_statements(files, {{"a.cpp", "one sql::one_more"}}, '$', {}).problems, uncalled);
    EXPECT_EQ(read_statements(files, {}, '$', {}).problems, uncalled);
}

TEST(SqlStatements, MustBeNamedAsTheFormIs) {
    for (const std::string line :
         {"-- name: One", "-- name: one()", "-- name: one(a", "-- name: one(a b)", "-- name: one(a,)",
          "-- name: one(a) x", "--name: one", "-- Name: one", "-- name:"}) {
        EXPECT_EQ(problem_of(line + "\nSELECT 1;"),
                  "sites.sql:1: a statement begins with `-- name: NAME`, or `-- name: NAME(PARAMETER, "
                  "PARAMETER)` if "
                  "it has parameters, in small letters; write the line so")
            << line;
    }
}

TEST(SqlStatements, MustHaveAText) {
    EXPECT_EQ(problem_of("-- name: one\n-- Why.\n\n-- name: two\nSELECT 1;"),
              "sites.sql:1: one has no text; write the statement below its name");
}

TEST(SqlStatements, StandBelowAName) {
    EXPECT_EQ(problem_of("-- Sites.\nSELECT 1,\n2;\n-- name: one\nSELECT 1;"),
              "sites.sql:2: this belongs to no statement; put a line `-- name: NAME` before it");
}

TEST(SqlStatements, CloseWhatTheyOpen) {
    EXPECT_EQ(problem_of("-- name: one\nSELECT\n  'x;"),
              "sites.sql:3: what begins here with ' has no end; close it");
    EXPECT_EQ(problem_of("-- name: one\nSELECT $x$ $$;"),
              "sites.sql:2: what begins here with $x$ has no end; close it");
    EXPECT_EQ(problem_of("-- name: one\nSELECT /* x;"),
              "sites.sql:2: what begins here with /* has no end; close it");
}

}  // namespace
}  // namespace glia::embed_sql
