// No work grows with the table (DESIGN.md §3.11). Runs every statement of the program on large tables, with
// the planner settings that the program uses. A statement may read a constant number of rows and pages for
// each row that it returns, writes or counts.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "sinks/postgres/sql.hpp"
#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

// Rows and pages that a statement may read for each row that it returns, writes or counts. Pages: descents of
// a few indexes, and the index pages that get the entries of a written row.
constexpr std::int64_t kRowsForEach = 8, kPagesForEach = 40;
// Rows and pages that any statement may read in addition. The tables below have many times as many.
constexpr std::int64_t kRowsAnyway = 300, kPagesAnyway = 350;

constexpr const char* kTables = R"(
CREATE TEMP TABLE e AS
    SELECT n, md5(n::text) COLLATE "C" AS id, timestamptz '2024-01-01' + n * interval '1 minute' AS created_at,
           'site-' || n % 3 AS site
    FROM generate_series(1, 120000) n;
INSERT INTO engagements (id, created_at, visitor_id, fetched_at, changed_at, legs_fetched_at, core_hash, list_hash, legs_hash,
                         first_site_id)
    SELECT id, created_at, 'visitor-' || n / 4, created_at, created_at + interval '1 hour', created_at,
           decode(md5(id), 'hex'), decode(md5(id), 'hex'), decode(md5(id), 'hex'), CASE WHEN n % 50 > 0 THEN site END FROM e;
UPDATE engagements SET missing_since = now() WHERE id IN (SELECT id FROM e WHERE n % 1200 = 0);
INSERT INTO engagement_sites SELECT id, site FROM e;
INSERT INTO engagement_operators SELECT id, 0, 'o' || n % 100, 'https://x/operators/o' || n % 100 FROM e;
INSERT INTO engagement_queues SELECT id, 0, 'q' || n % 20 FROM e;
INSERT INTO audio_recordings SELECT id, 0, 'https://x/' || id FROM e WHERE n % 2 = 0;
INSERT INTO legs (engagement_id, id, position, site_id, requested_at) SELECT id, 'l1', 0, site, created_at FROM e;
INSERT INTO leg_queues SELECT id, 'l1', 0, 'q' || n % 20 FROM e;
INSERT INTO chat_messages (engagement_id, position, message) SELECT id, 0, 'hello' FROM e WHERE n % 2 = 0;
INSERT INTO queues SELECT 'q' || n, 'Queue', now(), now() FROM generate_series(0, 19) n;
INSERT INTO operators (id, name, fetched_at, content_hash, first_seen_at, changed_at)
    SELECT id, 'Ann', created_at, '\x00', created_at, created_at FROM e;
INSERT INTO operator_sites SELECT id, 'site-' || n % 300 FROM e;
INSERT INTO sites (id, name, fetched_at, content_hash, first_seen_at, changed_at)
    SELECT id, 'Bank', created_at, '\x00', created_at, created_at FROM e;
INSERT INTO queues (id, name, name_as_of, name_fetched_at, site_id, listed_at)
    SELECT id, 'Cards', created_at, created_at, 'site-' || n % 300, created_at FROM e;
INSERT INTO name_history SELECT 'operator', id, created_at + k * interval '1 day', CASE k WHEN 0 THEN created_at + interval '1 day' END, 'Ann'
    FROM e, generate_series(0, 1) k;
-- The API has been away: nearly everything waits for its next attempt, the newest too.
INSERT INTO detail_queue (engagement_id, created_at, wanted_after, attempts, next_attempt_at)
    SELECT id, created_at, created_at, 3, now() + interval '1 hour' FROM e WHERE n > 60000;
UPDATE detail_queue SET attempts = 0, next_attempt_at = '-infinity' WHERE engagement_id IN (SELECT id FROM e WHERE n % 3000 = 0);
UPDATE detail_queue SET next_attempt_at = now() - interval '1 minute' WHERE engagement_id IN (SELECT id FROM e WHERE n % 3000 = 1);
UPDATE detail_queue SET claimed_by = 'dead', claimed_until = now() + interval '1 minute'
    WHERE engagement_id IN (SELECT id FROM e WHERE n % 3000 = 2);
INSERT INTO enrichments (engagement_id, kind, item, created_at, wanted_after, waiting, attempts, next_attempt_at, done_at)
    SELECT id, CASE n % 2 WHEN 0 THEN 'recording' ELSE 'transcript' END, CASE n % 2 WHEN 0 THEN 'https://x/' || id ELSE '' END,
           created_at, created_at, n % 3 = 0, 2, now() + interval '1 hour', now() FROM e;
UPDATE enrichments SET attempts = 0, next_attempt_at = '-infinity' WHERE waiting AND engagement_id IN (SELECT id FROM e WHERE n % 999 = 0);
UPDATE enrichments SET claimed_by = 'dead', claimed_until = now() + interval '1 minute'
    WHERE waiting AND engagement_id IN (SELECT id FROM e WHERE n % 1500 = 0);
INSERT INTO enrichers (kind, queued_through) SELECT k, (SELECT max(changed_at) - interval '1 hour' FROM engagements)
    FROM unnest(ARRAY['recording', 'transcript']) k;
INSERT INTO ongoing_engagements SELECT id, created_at, now() + CASE WHEN n % 2000 = 0 THEN -1 ELSE 1 END * interval '1 hour'
    FROM e WHERE n % 2 = 0;
-- One site of a backfill cannot be read, another is done; an older backfill is finished.
INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, finished_at)
    SELECT '2024-01-01', '2024-02-01', false, 60, ARRAY['site-0', 'site-1', 'site-2'], CASE WHEN n < 50 THEN now() END
    FROM generate_series(1, 50) n;
INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to, done, attempts)
    SELECT 49, 'site-0', created_at, created_at + interval '1 minute', true, 0 FROM e WHERE n <= 60000
    UNION ALL SELECT 50, 'site-0', created_at, created_at + interval '1 minute', false, 2 FROM e WHERE n <= 20000
    UNION ALL SELECT 50, 'site-1', created_at, created_at + interval '1 minute', true, 0 FROM e WHERE n <= 20000
    UNION ALL SELECT 50, 'site-2', created_at, created_at + interval '1 minute', false, 0 FROM e WHERE n <= 20000;
UPDATE backfill_windows SET lease_owner = 'dead', lease_expires_at = now() + interval '1 minute'
    WHERE backfill_id = 50 AND site_id = 'site-2' AND window_from < '2024-01-01 00:20';
INSERT INTO rejected_records (site_id, engagement_id, source, reason, payload, payload_hash, last_seen_at, resolved_at)
    SELECT site, id, 'list', 'bad', '{"visitor_id":"visitor-' || n / 4 || '","id":"' || id || '"}', decode(md5(id), 'hex'),
           created_at, CASE WHEN n % 500 > 0 THEN now() END FROM e WHERE n % 2 = 0;
INSERT INTO sync_runs (mode, site_id, started_at, finished_at, lease_epoch) SELECT 'incremental', site, created_at, created_at, n FROM e;
INSERT INTO sync_runs (mode, site_id, error) VALUES ('incremental', 'site-0', 'bad');
INSERT INTO forgotten (kind, mark) SELECT 'visitor', decode(md5(id), 'hex') FROM e WHERE n % 2 = 0;
INSERT INTO erasures (kind, id) SELECT 'recordings', id FROM e WHERE n % 2 = 0;
INSERT INTO erasures (kind, id) VALUES ('visitor', 'visitor-7'), ('engagement', 'e-7');
INSERT INTO queue_wait_intervals SELECT created_at, 60, site, 'q' || n % 20, 'finished', 'false', 'chat', 1, 30, 30, 0, 0 FROM e;
INSERT INTO handle_intervals SELECT created_at, 60, site, 'q' || n % 20, 'o' || n % 100, 'reactive', 'transfer', 1, 30 FROM e;
INSERT INTO wrap_up_intervals SELECT created_at, 60, site, 'q' || n % 20, 'o' || n % 100, 1, 30 FROM e;
INSERT INTO operator_state_intervals SELECT created_at, 60, site, 'o' || n % 100, 'engaged', 30 FROM e;
INSERT INTO statistics_readings SELECT 'site-0', 'queue_wait', created_at, 60, created_at, n % 1200 > 0 FROM e;
INSERT INTO statistics_readings SELECT site, 'handle', created_at, 60, created_at, true FROM e;
INSERT INTO statistics_state SELECT DISTINCT site, 'queue_wait', timestamptz '2024-03-24' FROM e;
INSERT INTO queue_wait_samples SELECT site, created_at, 3 FROM e;
INSERT INTO sync_state (site_id, synced_through, lease_owner, lease_expires_at, lease_epoch)
    SELECT DISTINCT site, timestamptz '2024-03-01', 'me', now() + interval '1 minute', 1 FROM e;
-- Of each site a few days are in order, the oldest.
INSERT INTO verifications (range_from, range_to, site_id, day, listed, stored, missing, different, gone, repaired, legs_read)
    SELECT created_at, created_at + interval '1 day', site, created_at::date, 9, 9, CASE WHEN n > 300 THEN 1 ELSE 0 END, 0, 0, 0, 0 FROM e;
UPDATE verifications SET verified_at = now() - interval '410 days' WHERE id IN (SELECT n FROM e WHERE n % 1200 = 0);
INSERT INTO volume_hours SELECT s, now() - n * interval '1 hour', n FROM unnest(ARRAY['site-0', 'site-1', 'site-2']) s, generate_series(1, 20000) n;
INSERT INTO holidays SELECT s, current_date - n FROM unnest(ARRAY['site-0', 'site-1', 'site-2']) s, generate_series(1, 20000) n;
INSERT INTO revisit_state SELECT DISTINCT site, 60, now() FROM e;
INSERT INTO claiming_instances SELECT 'i' || n, now() + interval '1 minute', CASE WHEN n > 40 THEN now() END FROM generate_series(1, 50) n;
INSERT INTO server_clocks (machine, ahead_microseconds) SELECT 'm' || n, 0 FROM generate_series(1, 50) n;
SELECT 1;
)";

// What a plan has read from tables and indexes. Rows that a join compares in vain are counted only where the
// planner knows how many rows it joins: with statistics and the parameters' values.
constexpr const char* kReadBy = R"(
CREATE FUNCTION public.read_by(plan jsonb) RETURNS TABLE (rows_read bigint, rows_joined_in_vain bigint, pages bigint)
LANGUAGE sql AS $$
    WITH nodes AS (
        SELECT n, coalesce((n->>'Actual Loops')::numeric, 1) AS loops FROM jsonb_path_query(plan, '$.** ? (exists(@."Node Type"))') n)
    SELECT coalesce(sum(loops * (coalesce((n->>'Actual Rows')::numeric, 0) + coalesce((n->>'Rows Removed by Filter')::numeric, 0)
                                 + coalesce((n->>'Rows Removed by Index Recheck')::numeric, 0)))
                    FILTER (WHERE n->>'Node Type' LIKE '%Scan%' AND (n ? 'Relation Name' OR n ? 'Index Name')), 0)::bigint,
           coalesce(sum(loops * (n->>'Rows Removed by Join Filter')::numeric), 0)::bigint,
           (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint
    FROM nodes
$$;
SELECT 1;
)";

/// The arguments of a statement, and the number of rows that it then returns, writes or counts.
struct StatementCall {
    const char* arguments;
    std::int64_t rows;
};

// $ids: a hundred engagements; $late: the changed_at of the one that changed 200th last.
const std::multimap<std::string, StatementCall> kCalls = {
    {"acquire_site", {"'site-0', 'me', '30', 'true', 'engagements'", 2}},
    {"add_backfill", {"'2024-01-01', '2024-02-01', 'false', '60', '{site-0}', 'engagements'", 1}},
    {"add_erasures", {"'{visitor}', '{v}'", 1}},
    {"add_failure",
     {"'incremental', 'site-0', NULL, now(), NULL, NULL, '0', '0', '0', '1', 'bad', '1', 'engagements'", 1}},
    {"add_forgotten", {"'{visitor}', '{\\x00}'", 1}},
    {"add_site", {"'site-9', 'engagements'", 1}},
    {"add_sites", {"$ids, 'site-9'", 100}},
    {"add_verifications",
     {"'2024-01-01', '2024-01-02', '2024-01-01', '{site-0}', '{1}', '{1}', '{0}', '{0}', '{0}', '{0}', '{0}'",
      1}},
    {"add_wait_sample", {"'site-0', now(), '3'", 1}},
    {"add_windows", {"'1'", 133920}},
    {"any_tombstone", {"", 1}},
    {"backfill_failed_run", {"'50', '1'", 1}},
    {"backfill_progress", {"'50', '{}'", 60000}},
    {"claim_windows", {"'50', 'me', '30', '{}', '20'", 20}},
    {"claim_work", {"'detail', 'me', '20', '60'", 20}},
    {"claim_work", {"'transcript', 'me', '20', '60'", 20}},
    {"ids_of_site", {"'site-0', '2024-01-02', '2024-01-03', '2024-01-01', '', '100'", 100}},
    {"compare_extra", {"$ids, $extras", 100}},
    {"compare_leg_queues", {"$json, $ids", 100}},
    {"compare_legs", {"$json, $ids", 100}},
    {"compare_queue_names", {"$listed", 100}},
    {"distrust_engagements", {"$ids", 100}},
    {"mark_engagements_missing", {"$ids, $times, now()", 100}},
    // Returns a row for every queue: where its name was read, if that was in the range.
    {"queue_name_sources", {"'2024-01-05', '2024-01-06', '{site-0,site-1,site-2}'", 120020}},
    {"row_versions", {"$ids", 100}},
    {"prune_verifications", {"'34560000', '0', '100'", 100}},
    {"volume_sites", {"", 3}},
    {"first_engagement", {"'site-0'", 1}},
    {"count_volume",
     {"'2024-01-05', '2024-01-06', '{site-0,site-1,site-2}', '{site-0,site-1}', '{2024-01-01,2024-01-01}', "
      "'{2024-02-01,2024-02-01}'",
      1440}},
    {"prune_volume", {"'71280000'", 600}},
    // Each of the hours of three sites is compared with eight others, and with the days that are holidays.
    {"status_volume", {"'{site-0,site-1,site-2}', '75'", 225 * 9}},
    {"volume_days", {"'{site-0,site-1,site-2}', '14'", 3 * 15 * 24 * 9}},
    {"status_installed", {"", 20}},
    {"status_missing", {"", 100}},
    {"status_verified", {"'{site-0,site-1,site-2}'", 3}},
    {"stored_audio_recordings", {"$ids", 100}},
    {"stored_engagement_operators", {"$ids", 100}},
    {"stored_engagements", {"$ids", 100}},
    {"stored_engagement_queues", {"$ids", 100}},
    {"stored_legs", {"$ids", 100}},
    {"stored_leg_queues", {"$ids", 100}},
    {"stored_of_sites",
     {"'site-0', '2024-01-05', '2024-01-06', '2024-01-05 06:00', '', '{site-0,site-1}', '200'", 200}},
    {"stored_unlisted", {"'2024-01-05', '2024-01-12', '2024-01-05 06:00', '', '{site-0}', '200'", 200}},
    {"waiting_details", {"$ids", 100}},
    {"unfetched_work", {"'detail', $ids, 'false'", 100}},
    {"unfetched_work", {"'transcript', $ids, 'false'", 200}},
    {"unfetched_recordings", {"$ids, 'false'", 300}},
    {"request_work", {"'transcript', $ids, $ids, $times", 100}},
    {"stored_states", {"$ids, 'site-0'", 100}},
    {"clear_ongoing", {"$ids", 100}},
    {"drop_backfill", {"'50'", 60000}},
    {"end_erasures", {"'recordings', $ids", 100}},
    {"end_stuck_transactions", {"'5'", 10}},
    {"engagements_of_visitor", {"'visitor-77', '200'", 4}},
    {"record_enricher_result", {"'transcript', NULL", 1}},
    {"erase_audio_recordings", {"$ids", 100}},
    {"erase_chat_messages", {"$ids", 100}},
    {"erase_details", {"$ids", 100}},
    {"erase_engagement_operators", {"$ids", 100}},
    {"erase_engagement_queues", {"$ids", 100}},
    {"erase_engagement_sites", {"$ids", 100}},
    {"erase_engagements", {"$ids", 100}},
    {"erase_leg_queues", {"$ids", 100}},
    {"erase_legs", {"$ids", 100}},
    {"engagements_after", {"'', '200'", 200}},
    {"erase_undocumented_examples", {"$ids", 1000}},
    {"erase_forbidden_examples", {"true, '{visitor_name,visitor.href}'", 1000}},
    {"erase_rejected", {"'{1,2,3}'", 3}},
    {"import_tombstones", {"'{visitor}', '{\\x00}', '{NULL}'", 1}},
    {"list_tombstones", {"'', '\\x', '200'", 200}},
    {"order_tombstone_scan", {"", 1}},
    {"rejected_after", {"'0', '200'", 200}},
    {"status_clocks", {"", 50}},
    {"erase_rejected_of_visitor", {"'visitor-77'", 2}},
    {"erase_state", {"$ids", 400}},
    {"expire_rejected", {"'2030-01-01', '200'", 200}},
    {"expire_samples", {"'2030-01-01', '200'", 200}},
    {"expired_engagements", {"'site-1', '-infinity', '2030-01-01', '200'", 200}},
    {"expired_unlisted", {"'-infinity', '2030-01-01', '200'", 200}},
    {"fail_work", {"'detail', $ids, $empty, $ids, $numbers, $flags, $flags", 100}},
    {"fail_work", {"'recording', $ids, $urls, $ids, $numbers, $flags, $flags", 100}},
    {"stored_hashes", {"'site-0', '2024-01-05', '2024-01-06', '200'", 200}},
    {"matching_backfill", {"'2024-01-01', NULL, '60', '{site-0}', 'engagements'", 1}},
    {"finish_backfill", {"'50'", 60000}},
    {"forgotten", {"'{visitor}', '{\\x00}'", 1}},
    {"history_hours", {"'24', '{site-0,site-1,site-2}'", 480}},
    {"history_runs", {"'20'", 20}},
    {"history_verifications", {"", 3}},
    {"lock_backfill", {"'50'", 1}},
    {"lock_engagement", {"$id", 1}},
    {"lock_claimed_work", {"'detail', $ids, $empty, 'me'", 100}},
    {"lock_claimed_work", {"'recording', $ids, $urls, 'me'", 100}},
    {"list_erasures", {"", 2}},
    {"listed_before", {"$ids, 'site-0'", 100}},
    {"may_create", {"'glia'", 1}},
    {"merge_audio_recordings", {"$json", 100}},
    {"merge_chat_messages", {"$json", 100}},
    {"merge_engagement_operators", {"$json", 100}},
    {"merge_engagement_queues", {"$json", 100}},
    {"merge_leg_queues", {"$json", 100}},
    {"merge_legs", {"$json", 100}},
    {"missed_engagements", {"$late, $late, '', '5000'", 200}},
    {"missed_engagements", {"'-infinity', '-infinity', '', '5000'", 5000}},
    {"missed_since", {"'transcript'", 1}},
    {"missing_privileges", {"'glia'", 200}},
    {"next_first_site", {"'site-0'", 1}},
    {"ongoing_and_rejected", {"$ids", 200}},
    {"indexes_exceed_buffers", {"'glia'", 100}},
    {"instances_with_leases", {"", 100}},
    {"prune", {"extract(epoch FROM now() - timestamptz '2024-01-01 01:00')", 60}},
    {"enqueue_missed", {"'transcript', $ids, $ids, $times, $times, $times", 100}},
    {"enqueue_ongoing", {"'false'", 60}},
    {"queued_through", {"'transcript', '60'", 1}},
    {"read_server_clock", {"'m1'", 1}},
    {"read_version", {"", 1}},
    {"record_version", {"'99'", 1}},
    {"record_undocumented_members", {"'{a}', '{unknown}', '{1}', '{e}', '{1}', now()", 1000}},
    {"recording_downloaded", {"$id, 'u', 'p', '1', 'x', now()", 1}},
    {"recordings_of", {"$ids", 100}},
    {"recordings_to_erase", {"'', '200'", 200}},
    {"reject_records", {"'site-0', 'list', '{e}', '{bad}', '{\"{}\"}', '{\\x00}'", 1}},
    {"release_site", {"'site-0', '1', '60', 'bad', 'engagements'", 1}},
    {"release_window", {"'50', 'site-2', '2024-01-01 00:05', '0', 'bad'", 1}},
    {"remove_work", {"'detail', $ids, $empty, $times, $times, NULL", 100}},
    {"renew_site", {"'site-0', '1', '60', 'engagements'", 1}},
    {"renew_window", {"'50', 'site-2', '2024-01-01 00:05', '0', '60'", 1}},
    {"renew_work", {"'detail', $ids, $empty, 'me', '60'", 100}},
    {"renew_work", {"'recording', $ids, $urls, 'me', '60'", 100}},
    {"reopen_windows", {"'50'", 20000}},
    {"repeat_failure", {"'1', 'incremental', 'site-0', 'bad'", 1}},
    {"reset_site", {"'site-0', '2024-01-01', 'engagements'", 1}},
    {"resolve_one", {"'7'", 1}},
    {"resolve_rejected", {"$ids, $ids", 200}},
    {"resolve_rejected_before", {"'site-0', 'operators'", 1}},
    {"erase_rejected_of_operator", {"'o-7'", 1}},
    {"erase_forbidden_rejected_operators", {"'false', '{name}'", 1}},
    {"save_server_clock", {"'m1', '3'", 1}},
    {"schema_version", {"'glia'", 1}},
    {"set_ongoing", {"$ids, $times, $numbers", 100}},
    {"complete_work", {"'detail', $ids, $empty, $times, $times, NULL, $empty, $numbers, $empty", 100}},
    {"complete_work", {"'recording', $ids, $urls, $times, $times, NULL, $empty, $numbers, $empty", 100}},
    {"site_checkpoint", {"'site-0', '1', now(), NULL, now(), 'n', '1', '1', 'engagements'", 1}},
    {"site_complete",
     {"'site-0', '1', now(), now(), NULL, now(), '1', '1', '0', '1', NULL, 'engagements'", 2}},
    {"site_failed_run", {"'site-0', '1', 'engagements'", 1}},
    {"site_fence", {"'site-0', '1', 'engagements'", 1}},
    {"site_wait", {"'site-0', 'engagements'", 1}},
    {"add_statistics_reading", {"'site-0', 'queue_wait', '2024-01-05', '60', now(), 'true'", 1}},
    {"merge_handle_intervals", {"$counted", 100}},
    {"merge_operator_state_intervals", {"$counted", 100}},
    {"merge_queue_wait_intervals", {"$counted", 100}},
    {"merge_wrap_up_intervals", {"$counted", 100}},
    {"clear_statistics_refusal", {"'site-0'", 1}},
    {"statistics_progress", {"'site-0'", 4}},
    {"statistics_read", {"'site-0', 'queue_wait', '2024-03-25'", 1}},
    {"statistics_length", {"'site-0', 'queue_wait', '2024-01-05'", 1}},
    {"statistics_readings", {"'site-0', 'queue_wait', '2024-03-24'", 480}},
    {"statistics_refused", {"'site-0', 'queue_wait', 'HTTP 403', now(), '60'", 4}},
    {"trim_handle_intervals", {"'[]', 'site-0', '2024-01-05', '2024-01-05 00:30'", 30}},
    {"trim_operator_state_intervals", {"'[]', 'site-0', '2024-01-05', '2024-01-05 00:30'", 30}},
    {"trim_queue_wait_intervals", {"'[]', 'site-0', '2024-01-05', '2024-01-05 00:30'", 30}},
    {"trim_statistics_readings", {"'site-0', 'queue_wait', '2024-01-05', '2024-01-05 00:30'", 30}},
    {"trim_wrap_up_intervals", {"'[]', 'site-0', '2024-01-05', '2024-01-05 00:30'", 30}},
    {"site_watermark", {"'site-0', 'engagements'", 1}},
    {"status_backfills", {"", 60000}},
    {"status_enrichers", {"", 40000}},
    {"status_queue", {"", 60120}},
    {"status_undocumented_members", {"", 100}},
    {"status_sites", {"", 123}},
    {"ids_in_range", {"'2024-01-05', '2024-01-06', '500', '{site-0,site-1,site-2}'", 500}},
    {"release_leases_of_dead", {"'dead'", 100}},
    {"claim_if_due", {"'queue_wait', '60'", 1}},
    {"record_time_left", {"'50', '60'", 1}},
    {"tier_complete",
     {"'site-0', '{60}', now(), NULL, now(), '1', '1', '0', '1', '3', '1', 'engagements'", 2}},
    {"trim_audio_recordings", {"'[]', $ids", 100}},
    {"trim_chat_messages", {"'[]', $ids", 100}},
    {"trim_engagement_operators", {"'[]', $ids", 100}},
    {"trim_engagement_queues", {"'[]', $ids", 100}},
    {"trim_leg_queues", {"'[]', $ids", 100}},
    {"trim_legs", {"'[]', $ids", 100}},
    {"update_engagements",
     {"$full, $ids, $flags, $flags, $flags, $hashes, $bytes, $bytes, $times, $times, $hashes, $fetched, "
      "$fetched, "
      "now()",
      100}},
    {"upsert_queues",
     {"'[{\"id\":\"q1\",\"name\":\"n\",\"name_as_of\":\"2030-01-01\",\"name_fetched_at\":\"2030-01-01\"}]'",
      1}},
    {"enqueue_work", {"$ids, $kinds, $empty, $times, $times", 100}},
    {"work_due", {"'detail'", 100}},
    {"work_due", {"'transcript'", 100}},
    {"window_checkpoints",
     {"'[{\"backfill_id\":50,\"site_id\":\"site-2\",\"window_from\":\"2024-01-01T00:05:00Z\",\"lease_epoch\":"
      "0,\"done\":true,"
      "\"pages\":1,\"engagements\":1,\"rejected\":0,\"requests\":1}]'",
      1}},
    {"add_operator_sites", {"$ids, 'site-9'", 100}},
    {"close_names", {"'operator', $ids, $kinds, $times", 200}},
    // Runs once at the start if privacy does not keep everything. Writes every operator and every name.
    {"clear_operator_contacts", {"true, '{phone_extension}'", 120000}},
    {"clear_operator_names", {"true", 120000}},
    {"erase_forbidden_operator_names", {"true", 240000}},
    {"directory_complete", {"'site-0', '1', 'engagements', '60', now(), '1', '1', '0', '1'", 2}},
    {"directory_refused", {"'site-0', '1', 'engagements', '60', 'HTTP 403', '60'", 123}},
    {"known_time_zones", {"'{Europe/Tallinn}'", 1}},
    {"erase_operator_names", {"$ids", 200}},
    {"erase_operator_sites", {"$ids", 100}},
    {"erase_operators", {"$ids", 100}},
    {"drop_operator_sites", {"$ids, 'site-0'", 100}},
    {"clear_operators_missing", {"$ids, now()", 100}},
    {"clear_queues_missing", {"$ids", 100}},
    {"lock_operators", {"$ids", 100}},
    {"mark_operators_missing", {"$ids, now()", 100}},
    {"mark_queues_missing", {"$ids, now(), 'site-0'", 100}},
    {"open_names", {"'operator', $ids, $kinds, $times", 200}},
    {"operator_messages_after", {"'o1', '', '-1', '200'", 200}},
    {"erase_senders", {"$ids, $zeros", 100}},
    {"changed_names", {"'operator', $ids, $kinds", 200}},
    {"operators_after", {"'', '500'", 500}},
    {"operators_of_site", {"'site-0'", 400}},
    {"queues_of_site", {"'site-0'", 400}},
    {"site_names", {"$ids", 100}},
    {"stored_operators", {"$ids", 100}},
    {"stored_queues", {"$ids", 100}},
    {"stored_sites", {"$ids", 100}},
    {"upsert_listed_queues", {"$listed", 100}},
    {"upsert_operators", {"$listed, now()", 100}},
    {"upsert_sites", {"$listed, now()", 100}},
};
// Statements whose plans are not checked, each with the reason: they do not query tables, or a person runs
// them and not the service.
const std::map<std::string, const char*> kUnchecked = {
    {"begin", "settings"},
    {"bootstrap", "makes a table"},
    {"lock_forgotten", "a lock"},
    {"lock_refusals", "a lock"},
    {"probe_tables", "`check`: asks the catalogue"},
    {"list_rejected", "`rejects list`: a person asks, and gets a thousand at most"},
    {"list_rejected_ids", "`rejects retry`: a person asks for all of them"},
};

class Plans : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        database = std::make_unique<Database>();
        postgres::open({database->dsn(), "glia"})->migrate();
        // The tests below decide when the planner gets statistics.
        database->sql(
            "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = "
            "'glia'::regnamespace "
            "AND relkind = 'r' LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t); END "
            "LOOP; END $$; "
            "CREATE FUNCTION public.explained(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE "
            "plan json; BEGIN "
            "EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || statement INTO plan; RETURN plan; END $$");
        database->sql(kReadBy);
        database->sql(std::string("SET search_path = glia; ") + kTables);
    }
    static void clean() {
        pqxx::connection connection(database->dsn());
        pqxx::nontransaction(connection).exec("VACUUM");
    }
    static void TearDownTestSuite() { database.reset(); }

    static std::string ask(pqxx::work& tx, const std::string& query) {
        const auto rows = tx.exec(query);
        return rows[0][0].is_null() ? "" : rows[0][0].c_str();
    }
    /// The arguments with their placeholders replaced by literals. Each place has an expression over a
    /// hundred engagements, $late a whole query.
    static std::string filled(pqxx::work& tx, const std::string& arguments) {
        static const std::map<std::string, std::string> places = {
            {"$ids", "array_agg(id ORDER BY id)"},
            {"$times", "array_agg(created_at ORDER BY id)"},
            {"$fetched", "array_agg(fetched_at ORDER BY id)"},
            {"$numbers", "array_agg(3 ORDER BY id)"},
            {"$flags", "array_agg(true ORDER BY id)"},
            {"$bytes", "array_agg('\\x00'::bytea ORDER BY id)"},
            {"$hashes", "array_agg(core_hash ORDER BY id)"},
            {"$zeros", "array_agg(0)"},
            {"$kinds", "array_agg(CASE WHEN id < '8' THEN 'transcript' ELSE 'detail' END ORDER BY id)"},
            {"$extras", "array_agg(NULL::jsonb ORDER BY id)"},
            {"$empty", "array_agg(''::text ORDER BY id)"},
            {"$urls", "array_agg('https://x/' || id ORDER BY id)"},
            {"$json",
             "json_agg(json_build_object('engagement_id', id, 'position', 0, 'id', 'l1', 'leg_id', 'l1'))"},
            {"$counted",
             "json_agg(json_build_object('interval_start', created_at, 'interval_seconds', 60, 'site_id', "
             "'s', "
             "'queue_id', 'q', 'operator_id', 'o', 'outcome', '', 'from_transfer', '', 'media', '', 'type', "
             "'', "
             "'end_reason', '', 'state', ''))"},
            {"$full",
             "json_agg(json_build_object('id', id, 'created_at', created_at, 'core_hash', core_hash, "
             "'fetched_at', fetched_at))"},
            {"$listed",
             "json_agg(json_build_object('id', id, 'name', 'Bob', 'fetched_at', fetched_at, 'listed_at', "
             "fetched_at, 'content_hash', '\\x01'))"},
            {"$id", "min(id)"},
            {"$late", "SELECT changed_at FROM glia.engagements ORDER BY changed_at DESC OFFSET 199 LIMIT 1"}};
        std::string text = arguments;
        for (const auto& [place, value] : places) {
            const std::regex where("\\" + place + "\\b");
            if (!std::regex_search(text, where)) continue;
            std::string literal = "'";
            literal += ask(tx, place == "$late" ? value
                                                : "SELECT " + value +
                                                      " FROM (SELECT * FROM glia.engagements "
                                                      "ORDER BY md5(id) LIMIT 100) e");
            literal += "'";
            std::string out;
            std::smatch found;
            while (std::regex_search(text, found, where)) {
                out += found.prefix().str() + literal;
                text = found.suffix().str();
            }
            text = out + text;
        }
        return text;
    }

    /// Checks every statement with `mode` as the plan_cache_mode.
    static void check_all_plans(const std::string& mode) {
        for (const auto& statement : postgres::sql::statements()) {
            const std::string name(statement.name);
            const auto [first, last] = kCalls.equal_range(name);
            EXPECT_TRUE(first != last || kUnchecked.contains(name)) << name << " is not planned by this test";
            for (auto call = first; call != last; ++call)
                check_plan(name, std::string(statement.text), call->second, mode);
        }
    }
    static std::string without_end(std::string_view text) {
        while (!text.empty() && (text.back() == ';' || text.back() == '\n')) text.remove_suffix(1);
        return std::string(text);
    }
    static void check_plan(const std::string& name, const std::string& text, const StatementCall& call,
                           const std::string& mode) {
        pqxx::connection connection(database->dsn());
        pqxx::work tx(connection);
        const std::string arguments = filled(tx, call.arguments);
        tx.exec("PREPARE begun AS " + without_end(postgres::sql::begin));
        tx.exec("EXECUTE begun('glia', '60000', '10000', '20000')");
        tx.exec("SET LOCAL plan_cache_mode = " + mode);
        try {
            tx.exec("PREPARE checked AS " + without_end(text));
            const std::string plan = ask(
                tx, "SELECT public.explained(" +
                        tx.quote("EXECUTE checked" + (arguments.empty() ? "" : "(" + arguments + ")")) + ")");
            const auto sum = tx.exec("SELECT r.rows_read + CASE WHEN " +
                                     tx.quote(has_statistics && mode == "force_custom_plan") +
                                     "::boolean THEN r.rows_joined_in_vain ELSE 0 END, r.pages FROM "
                                     "public.read_by(" +
                                     tx.quote(plan) + ") r");
            const std::int64_t rows = sum[0][0].is_null() ? 0 : sum[0][0].as<std::int64_t>();
            const std::int64_t pages = sum[0][1].as<std::int64_t>();
            const std::string summary = name + " (" + mode + ") returns, writes or counts " +
                                        std::to_string(call.rows) + " rows, reads " + std::to_string(rows) +
                                        " rows and " + std::to_string(pages) + " pages: ";
            EXPECT_LE(rows, kRowsAnyway + kRowsForEach * call.rows) << summary << plan;
            EXPECT_LE(pages, kPagesAnyway + kPagesForEach * call.rows) << summary << plan;
            if (std::getenv("GLIA_SHOW_PLANS")) std::cerr << summary << '\n';
        } catch (const pqxx::sql_error& error) {
            ADD_FAILURE() << name << ": " << error.what();
        }
        tx.abort();
    }

    static std::unique_ptr<Database> database;
    static bool has_statistics;
};
std::unique_ptr<Database> Plans::database;
bool Plans::has_statistics = false;

// The order of these tests matters: statistics, once gathered, stay.
TEST_F(Plans, ReadWhatTheyAnswerForWithoutStatistics) {
    check_all_plans("force_custom_plan");
    clean();  // removes what the statements wrote and rolled back
    check_all_plans("force_generic_plan");
}
TEST_F(Plans, ReadWhatTheyAnswerForWithStatistics) {
    clean();
    database->sql("ANALYZE");
    has_statistics = true;
    check_all_plans("force_custom_plan");
    clean();  // removes what the statements wrote and rolled back
    check_all_plans("force_generic_plan");
}
// An instance that has just started has claimed thousands of jobs, which the planner's statistics do not show
// yet.
TEST_F(Plans, FindJobsByTheirKeysThoughAnInstanceHasClaimedMany) {
    clean();
    database->sql("ANALYZE");
    has_statistics = true;
    database->sql(
        "UPDATE glia.work_items SET claimed_by = 'busy', claimed_until = now() + interval '1 minute' "
        "WHERE waiting AND next_attempt_at > now()");
    const std::map<std::string, StatementCall> busy = {
        {"lock_claimed_work", {"'detail', $ids, $empty, 'busy'", 100}},
        {"remove_work", {"'detail', $ids, $empty, $times, $times, 'busy'", 100}},
        {"renew_work", {"'detail', $ids, $empty, 'busy', '60'", 100}},
        {"complete_work", {"'detail', $ids, $empty, $times, $times, 'busy', $empty, $numbers, $empty", 100}}};
    for (const std::string mode : {"force_custom_plan", "force_generic_plan"}) {
        for (const auto& statement : postgres::sql::statements()) {
            const auto call = busy.find(std::string(statement.name));
            if (call != busy.end()) check_plan(call->first, std::string(statement.text), call->second, mode);
        }
    }
}

}  // namespace
}  // namespace glia
