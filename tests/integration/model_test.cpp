// One contract for every sink: the same calls to it and to the model that the simulation runs on give the
// same answers and end in the same tables. See files_test.cpp for sinks that write files.
#include <gtest/gtest.h>

#include "tests/integration/model_tables.hpp"
#include "tests/integration/scan_limits.hpp"

namespace glia {
namespace {

std::string tables(const Database& database) {
    const auto micros = [](const std::string& column) {
        return "(extract(epoch FROM " + column + ") * 1000000)::bigint";
    };
    std::string text;
    for (const std::string& query :
         {"SELECT id, duration, core_hash, list_hash, legs_hash, " + micros("fetched_at") + ", " +
              micros("legs_fetched_at") +
              ", (SELECT string_agg(site_id, ',' ORDER BY site_id) FROM engagement_sites s WHERE "
              "s.engagement_id = e.id)"
              ", (SELECT string_agg(l.id || ':' || l.duration, ',' ORDER BY position) FROM legs l WHERE "
              "l.engagement_id"
              " = e.id) FROM engagements e ORDER BY id",
          "SELECT engagement_id, " + micros("wanted_after") +
              ", attempts, parked, claimed_by FROM detail_queue ORDER BY 1",
          std::string("SELECT engagement_id FROM ongoing_engagements ORDER BY 1"),
          "SELECT CASE stream WHEN 'engagements' THEN '' ELSE stream || '/' END || site_id, " +
              micros("synced_through") + ", " + micros("pass_from") +
              ", pass_next_page, lease_epoch, lease_owner, (SELECT count(*) FROM revisit_state r WHERE "
              "r.site_id = s.site_id AND r.stream = s.stream) FROM sync_state s ORDER BY 1"}) {
        const std::string rows = database.sql("SET search_path = glia; " + query);
        if (!rows.empty()) text += (text.empty() ? "" : "\n") + rows;
    }
    return text;
}

class TheModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(TheModel, AnswersAndEndsAsPostgresqlDoes) {
    Database database;
    postgres::Settings settings{database.dsn(), "glia"};
    if (GetParam() % 3 == 1) settings.scans = kScanAlways;
    if (GetParam() % 3 == 2) settings.scans = kScanNever;
    const auto sink = postgres::open(settings);
    sink->migrate();
    simulation::ModelDatabase model;
    know_sites(*sink, model);
    Twins twins(*sink, model, GetParam());
    for (int i = 0; i < 150 && !HasFailure(); ++i) twins.step();
    EXPECT_EQ(tables(model), tables(database));
}
INSTANTIATE_TEST_SUITE_P(Seeds, TheModel, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace glia
