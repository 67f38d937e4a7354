// Connecting to PostgreSQL: the kind of each failure.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

SinkError::Kind kind_of(const std::string& dsn) {
    try {
        postgres::open({dsn, "glia"})->migrate();
    } catch (const SinkError& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        return error.kind();
    }
    return SinkError::Kind::internal;
}

TEST(Connecting, EachFailureHasItsKind) {
    const Database database;
    EXPECT_EQ(kind_of(database.dsn("dbname=nosuch")), SinkError::Kind::misconfigured);
    EXPECT_EQ(kind_of(database.dsn("user=nosuch")), SinkError::Kind::misconfigured);
    EXPECT_EQ(kind_of(database.dsn("port=1")), SinkError::Kind::unavailable);
    EXPECT_EQ(kind_of("hots=x"), SinkError::Kind::misconfigured);
}

TEST(Connecting, AMissingPrivilegeIsSaid) {
    const Database database;
    database.sql("CREATE ROLE \"" + database.name() + "\" LOGIN");
    EXPECT_EQ(kind_of(database.dsn("user=" + database.name())), SinkError::Kind::denied);
    const auto inspection = postgres::inspect({database.dsn("user=" + database.name()), "glia"});
    EXPECT_FALSE(inspection.may_create);
}

TEST(Connecting, AConnectionThatWasCutWhileIdleIsReplacedWithoutAFailure) {
    const Database database;
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    database.outside("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                     database.name() + "'");
    EXPECT_NO_THROW(sink->require_schema());
}

}  // namespace
}  // namespace glia
