// How a connection prepares statements that are repeated.
#include "sinks/postgres/connection.hpp"

#include <gtest/gtest.h>

#include "sinks/invariant.hpp"
#include "tests/integration/database.hpp"

namespace glia::postgres {
namespace {

constexpr const char* kQuestion = "SELECT $1::text";

class ConnectionTest : public ::testing::Test {
  protected:
    std::string ask(const std::string& sql, const Params& params = {}) {
        std::string answer;
        connection.transact([&](Transaction& tx) { answer = tx.run(sql, params)[0][0].c_str(); });
        return answer;
    }
    std::string prepared() {
        return ask("SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", {kQuestion});
    }

    Database database;
    Connection connection{ConnectSettings{database.dsn(), "public"}};
};

TEST_F(ConnectionTest, AStatementIsPreparedOnceFromItsSecondUseOn) {
    EXPECT_EQ(ask(kQuestion, {"a"}), "a");
    EXPECT_EQ(prepared(), "0");
    EXPECT_EQ(ask(kQuestion, {"b"}), "b");
    EXPECT_EQ(prepared(), "1");
    EXPECT_EQ(ask(kQuestion, {"c"}), "c");
    EXPECT_EQ(prepared(), "1");
}

TEST_F(ConnectionTest, AStatementIsPreparedStillAfterATransactionThatWasRolledBack) {
    for (int i = 0; i < 2; ++i) {
        EXPECT_THROW(connection.transact([&](Transaction& tx) {
            tx.run(kQuestion, {"a"});
            tx.run("SELECT 1/0");
        }),
                     SinkError);
    }
    EXPECT_EQ(ask(kQuestion, {"b"}), "b");
    EXPECT_EQ(prepared(), "1");
}

TEST_F(ConnectionTest, ABrokenInvariantRollsTheTransactionBackAndIsNotTakenForALostConnection) {
    connection.transact([](Transaction& tx) { tx.script("CREATE TABLE t (i int)"); });
    EXPECT_THROW(connection.transact([](Transaction& tx) {
        tx.run("INSERT INTO t VALUES (1)");
        check_invariant(false, "it holds");
    }),
                 InvariantBroken);
    EXPECT_EQ(ask("SELECT count(*) FROM t"), "0");
}

TEST_F(ConnectionTest, AStatementThatTheSessionHasForgottenIsRunAllTheSame) {
    for (const char* value : {"a", "b", "c"}) EXPECT_EQ(ask(kQuestion, {value}), value);
    connection.transact([](Transaction& tx) { tx.script("DEALLOCATE ALL"); });
    int times = 0;
    connection.transact([&](Transaction& tx) {
        ++times;
        EXPECT_STREQ(tx.run(kQuestion, {"d"})[0][0].c_str(), "d");
    });
    EXPECT_LE(times, 2);
    EXPECT_EQ(prepared(), "0") << "after a session lost its statements, none is prepared in it";
    EXPECT_EQ(ask(kQuestion, {"e"}), "e");
    EXPECT_EQ(prepared(), "0");
}

TEST_F(ConnectionTest, AColumnMayGetAnotherTypeBetweenTwoUses) {
    database.sql("CREATE TABLE shown (value integer); INSERT INTO shown VALUES (1)");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("SELECT value FROM shown"), "1");
    database.sql("ALTER TABLE shown ALTER COLUMN value TYPE text USING 'one'");
    EXPECT_EQ(ask("SELECT value FROM shown"), "one");
}

}  // namespace
}  // namespace glia::postgres
