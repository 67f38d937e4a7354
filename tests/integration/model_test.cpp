// The contract of every sink: the same calls to the sink and to the simulation's model return the same and
// end in the same tables. See files_test.cpp for sinks that write files.
#include <gtest/gtest.h>

#include "tests/integration/model_tables.hpp"
#include "tests/integration/scan_limits.hpp"

namespace glia {
namespace {

std::string micros(const std::string& column) {
    return "(extract(epoch FROM " + column + ") * 1000000)::bigint";
}

std::string rows(const Database& database, const std::vector<std::string>& queries) {
    std::string text;
    for (const std::string& query : queries) {
        const std::string found = database.sql("SET search_path = glia; " + query);
        if (!found.empty()) text += (text.empty() ? "" : "\n") + found;
    }
    return text;
}

std::string tables(const Database& database) {
    return rows(
        database,
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
             "r.site_id = s.site_id AND r.stream = s.stream) FROM sync_state s ORDER BY 1"});
}

std::string content_tables(const Database& database) {
    return rows(database,
                {"SELECT engagement_id, waiting, " + micros("wanted_after") +
                     ", attempts, parked, claimed_by FROM work_items WHERE kind = 'transcript' ORDER BY 1",
                 "SELECT engagement_id, message FROM chat_messages ORDER BY engagement_id, position",
                 "SELECT id, name, enabled, " + micros("fetched_at") +
                     ", missing_since IS NOT NULL, (SELECT string_agg(site_id, ',' ORDER BY site_id) FROM "
                     "operator_sites s WHERE s.operator_id = o.id) FROM operators o ORDER BY id",
                 "SELECT id, " + micros("valid_from") + ", " + micros("valid_to") +
                     ", name FROM name_history ORDER BY id, valid_from"});
}

class TheModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(TheModel, AnswersAndEndsAsPostgresqlDoes) {
    Database database;
    postgres::Settings settings{database.dsn(), "glia"};
    if (GetParam() % 3 == 1) settings.scans = kScanAlways;
    if (GetParam() % 3 == 2) settings.scans = kScanNever;
    settings.enrich.transcripts = true;
    const auto sink = postgres::open(settings);
    sink->migrate();
    simulation::ModelDatabase model;
    model.enrichers = settings.enrich;
    register_sites(*sink, model);
    Twins twins(*sink, model, GetParam(), true);
    for (int i = 0; i < 300 && !HasFailure(); ++i) twins.step();
    EXPECT_EQ(tables(model), tables(database));
    EXPECT_EQ(content_tables(model), content_tables(database));
}
INSTANTIATE_TEST_SUITE_P(Seeds, TheModel, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace glia
