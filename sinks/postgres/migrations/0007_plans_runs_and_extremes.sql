-- Version 7: no statement of the program reads more than it answers for (DESIGN.md §3.11), a failed pass leaves a row, and
-- no value of the API makes a view fail.

-- ----------------------------------------------------------------------------------------------- engagements

-- For `forget --visitor`. By a hash, for it is half the size of an index on the text, and many engagements of one visitor
-- share one entry: an index of the kind hash would walk a chain of pages for each of them.
CREATE INDEX engagements_visitor ON engagements (hashtext(visitor_id)) WHERE visitor_id IS NOT NULL;
-- For enrichers that were off. It grows at one end only, with one entry for all rows of a transaction.
CREATE INDEX engagements_changed_at ON engagements (changed_at);

-- ---------------------------------------------------------------------------------------------------- queues

-- What was never tried is due at once, the newest first; what failed is due by its time. One index finds both, and passes
-- over nothing that waits.
ALTER TABLE detail_queue ALTER COLUMN next_attempt_at SET DEFAULT '-infinity';
UPDATE detail_queue SET next_attempt_at = '-infinity' WHERE attempts = 0;
DROP INDEX detail_queue_newest_first;
CREATE INDEX detail_queue_due ON detail_queue (next_attempt_at, created_at DESC);
-- For those who look for the claims of dead instances.
CREATE INDEX detail_queue_claims ON detail_queue (claimed_by) WHERE claimed_by IS NOT NULL;
COMMENT ON COLUMN detail_queue.next_attempt_at IS 'When the next attempt is due; -infinity: at once, the newest first.';

ALTER TABLE enrichments ALTER COLUMN next_attempt_at SET DEFAULT '-infinity';
UPDATE enrichments SET next_attempt_at = '-infinity' WHERE waiting AND attempts = 0 AND next_attempt_at <= now();
DROP INDEX enrichments_waiting;
CREATE INDEX enrichments_due ON enrichments (kind, next_attempt_at, created_at DESC) WHERE waiting;
CREATE INDEX enrichments_claims ON enrichments (claimed_by) WHERE claimed_by IS NOT NULL;
COMMENT ON COLUMN enrichments.next_attempt_at IS 'When it is tried next; -infinity: at once, the newest first.';

CREATE INDEX ongoing_engagements_due ON ongoing_engagements (next_fetch_at);

-- The free windows of each site, the oldest first: a site whose windows cannot be read is passed over as a whole.
DROP INDEX backfill_windows_open;
CREATE INDEX backfill_windows_open ON backfill_windows (backfill_id, site_id, window_to) WHERE NOT done AND attempts < 2;
CREATE INDEX backfill_windows_failed ON backfill_windows (backfill_id, window_from) WHERE NOT done AND attempts > 0;
CREATE INDEX backfill_windows_leases ON backfill_windows (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX backfills_unfinished ON backfills (id) WHERE finished_at IS NULL;

-- -------------------------------------------------------------------------------------------- rejected records

-- The texts of a payload, as hashes, so that the records that name a visitor are found without reading the others.
CREATE FUNCTION payload_words(payload text) RETURNS integer[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(array_agg(DISTINCT hashtext(w.word)), '{}') FROM regexp_split_to_table(payload, '["/]') AS w (word));
COMMENT ON FUNCTION payload_words(text) IS 'Hashes of what stands between quotation marks and slashes in a payload.';
CREATE INDEX rejected_records_words ON rejected_records USING gin (payload_words(payload)) WITH (fastupdate = off);
DROP INDEX rejected_records_engagement;
CREATE INDEX rejected_records_engagement ON rejected_records (engagement_id, resolved_at);
CREATE INDEX rejected_records_open ON rejected_records (site_id) WHERE resolved_at IS NULL;
CREATE INDEX rejected_records_last_seen_at ON rejected_records (last_seen_at, id);

-- Rows of erased engagements go by their ids; what was ordered is found among the files that are still to be deleted.
ALTER TABLE erasures DROP CONSTRAINT erasures_pkey;
ALTER TABLE erasures ADD PRIMARY KEY (id, kind);
CREATE INDEX erasures_orders ON erasures (requested_at, kind, id) WHERE kind <> 'recordings';

CREATE INDEX queue_wait_samples_sampled_at ON queue_wait_samples (sampled_at);

-- ------------------------------------------------------------------------------------------------------- runs

DROP INDEX sync_runs_finished_at;
CREATE INDEX sync_runs_finished_at ON sync_runs (finished_at, id);
ALTER TABLE sync_runs ADD COLUMN times bigint NOT NULL DEFAULT 1;
ALTER TABLE sync_runs ADD COLUMN lease_epoch bigint;
-- A commit whose answer was lost is sent again: the run is there already.
CREATE UNIQUE INDEX sync_runs_once ON sync_runs (site_id, mode, lease_epoch, started_at, window_from) WHERE error IS NULL;
ALTER TABLE sync_state ADD COLUMN failed_run_id bigint;
ALTER TABLE backfills ADD COLUMN failed_run_id bigint;
COMMENT ON TABLE sync_runs IS 'One row per pass that reached its end, per finished backfill, and per failure of a pass or of a window of a backfill. The same failure again, of the same site with nothing between, counts up `times` instead of adding a row.';
COMMENT ON COLUMN sync_runs.site_id IS 'Site id; NULL for a finished backfill.';
COMMENT ON COLUMN sync_runs.backfill_id IS 'backfills.id, for a backfill and its windows.';
COMMENT ON COLUMN sync_runs.finished_at IS 'When the run ended here; of a failure that repeats, when it last did.';
COMMENT ON COLUMN sync_runs.error IS 'Why the pass or the window failed; NULL: it reached its end.';
COMMENT ON COLUMN sync_runs.times IS 'How often in a row: more than 1 only for a failure that repeats.';
COMMENT ON COLUMN sync_runs.lease_epoch IS 'The lease under which the site was read: of one lease a pass is written once.';
COMMENT ON COLUMN sync_state.failed_run_id IS 'sync_runs.id of the last failure; NULL: the last pass reached its end.';
COMMENT ON COLUMN backfills.failed_run_id IS 'sync_runs.id of the last failure of a window.';
COMMENT ON COLUMN revisit_state.last_started_at IS 'Start of the last revisit that reached its end, by the clock of the database.';

-- ------------------------------------------------------------------------------------------------------ views

-- As in version 3, but for sums, differences and hours of any value: a sum ends at the largest bigint, and a difference with
-- an infinite time is NULL. No correlated subquery: distributed tables do not know them (config/citus.sql).

CREATE OR REPLACE VIEW engagement_facts AS
SELECT e.id AS engagement_id,
       e.created_at,
       e.engagement_type,
       e.source,
       e.platform,
       e.legs_fetched_at IS NOT NULL AS legs_known,
       l.legs,
       l.legs - 1 AS transfers,
       l.first_operator_id,
       l.last_operator_id,
       coalesce(l.first_queue_id, q.queue_id) AS first_queue_id,
       coalesce(l.last_queue_id, l.first_queue_id, q.queue_id) AS last_queue_id,
       e.queue_wait_time AS queue_wait_seconds,
       l.seconds_to_accept,
       l.handle_seconds,
       e.duration AS duration_seconds,
       l.accepted_at,
       CASE WHEN NOT l.ongoing THEN l.ended_at END AS ended_at,
       l.ongoing,
       CASE WHEN NOT l.ongoing THEN l.end_reason END AS end_reason,
       CASE WHEN e.video_used THEN 'video' WHEN e.audio_used THEN 'audio' ELSE 'text' END AS richest_media,
       e.cobrowsing_used,
       e.flagged
FROM engagements e
LEFT JOIN LATERAL (
    SELECT count(*)::int AS legs,
           (array_agg(g.operator_id ORDER BY g.position))[1] AS first_operator_id,
           (array_agg(g.operator_id ORDER BY g.position DESC))[1] AS last_operator_id,
           (array_agg(r.queue_id ORDER BY g.position))[1] AS first_queue_id,
           (array_agg(r.queue_id ORDER BY g.position DESC) FILTER (WHERE r.queue_id IS NOT NULL))[1] AS last_queue_id,
           (array_agg(CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
                           THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END
                      ORDER BY g.position))[1] AS seconds_to_accept,
           CASE WHEN count(g.duration) > 0
                THEN greatest(least(sum(g.duration), 9223372036854775807), -9223372036854775808)::bigint END AS handle_seconds,
           (array_agg(g.accepted_at ORDER BY g.position))[1] AS accepted_at,
           max(g.ended_at) AS ended_at,
           bool_or(g.ended_at IS NULL) AS ongoing,
           (array_agg(g.end_reason ORDER BY g.position DESC))[1] AS end_reason
    FROM legs g
    LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0
    WHERE g.engagement_id = e.id
    HAVING count(*) > 0
) AS l ON true
LEFT JOIN engagement_queues q ON q.engagement_id = e.id AND q.position = 0;

CREATE OR REPLACE VIEW leg_facts AS
SELECT g.engagement_id,
       g.id AS leg_id,
       g.position,
       g.operator_id,
       g.site_id,
       r.queue_id,
       g.request_type,
       g.request_source,
       g.position > 0 AS transferred_in,
       g.end_reason = 'transfer' AS transferred_out,
       g.requested_at,
       g.accepted_at,
       g.ended_at,
       CASE WHEN isfinite(g.accepted_at) AND isfinite(g.requested_at)
            THEN (extract(epoch FROM g.accepted_at) - extract(epoch FROM g.requested_at))::float8 END AS seconds_to_accept,
       g.duration AS handle_seconds,
       g.end_reason,
       g.accepted_media_type,
       g.used_cobrowsing
FROM legs g
LEFT JOIN leg_queues r ON r.engagement_id = g.engagement_id AND r.leg_id = g.id AND r.position = 0;

CREATE OR REPLACE VIEW queue_hourly AS
SELECT l.queue_id,
       q.name AS queue_name,
       l.hour,
       count(*) AS legs,
       count(*) FILTER (WHERE NOT l.transferred_in) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       avg(l.seconds_to_accept) AS average_seconds_to_accept,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS median_seconds_to_accept,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.seconds_to_accept) AS p90_seconds_to_accept,
       max(l.seconds_to_accept) AS longest_seconds_to_accept,
       count(*) FILTER (WHERE l.seconds_to_accept <= 20) AS accepted_within_20_seconds,
       count(*) FILTER (WHERE l.seconds_to_accept <= 20)::float8 / nullif(count(l.seconds_to_accept), 0) AS service_level_20_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       count(*) FILTER (WHERE l.accepted_at IS NULL AND l.ended_at IS NOT NULL) AS ended_unaccepted
FROM (SELECT f.*, date_trunc('hour', coalesce(f.accepted_at, f.requested_at), 'UTC') AS hour FROM leg_facts f) AS l
LEFT JOIN queues q ON q.id = l.queue_id
WHERE l.queue_id IS NOT NULL
GROUP BY l.queue_id, q.name, l.hour;

CREATE OR REPLACE VIEW operator_daily AS
SELECT l.operator_id,
       l.day,
       count(*) AS legs,
       count(DISTINCT l.engagement_id) AS engagements,
       count(*) FILTER (WHERE l.transferred_in) AS transfers_in,
       count(*) FILTER (WHERE l.transferred_out) AS transfers_out,
       count(*) FILTER (WHERE l.transferred_out)::float8 / nullif(count(*) FILTER (WHERE l.ended_at IS NOT NULL), 0) AS transfer_rate,
       CASE WHEN count(l.handle_seconds) > 0
            THEN greatest(least(sum(l.handle_seconds), 9223372036854775807), -9223372036854775808)::bigint END AS handle_seconds,
       avg(l.handle_seconds)::float8 AS average_handle_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY l.handle_seconds) AS median_handle_seconds,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY l.handle_seconds) AS p90_handle_seconds,
       avg(l.seconds_to_accept) AS average_seconds_to_accept,
       count(*) FILTER (WHERE l.end_reason IN ('visitor_left', 'visitor_hung_up')) AS ended_by_visitor,
       count(*) FILTER (WHERE l.end_reason IN ('operator_left', 'operator_hung_up')) AS ended_by_operator,
       count(*) FILTER (WHERE l.end_reason = 'error') AS ended_by_error
FROM (SELECT f.*, (f.accepted_at AT TIME ZONE 'UTC')::date AS day FROM leg_facts f WHERE f.accepted_at IS NOT NULL) AS l
WHERE l.operator_id IS NOT NULL
GROUP BY l.operator_id, l.day;

CREATE OR REPLACE VIEW freshness AS
SELECT s.site_id,
       s.synced_through AS complete_through,
       CASE WHEN isfinite(s.synced_through)
            THEN (extract(epoch FROM now()) - extract(epoch FROM s.synced_through))::float8 END AS lag_seconds,
       s.last_success_at,
       coalesce(r.records, 0) AS rejected,
       coalesce(d.engagements, 0) AS waiting_for_legs
FROM sync_state s
LEFT JOIN (SELECT r.site_id, count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id
LEFT JOIN (SELECT e.site_id, count(*) AS engagements
           FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id GROUP BY e.site_id) d
       ON d.site_id = s.site_id;

COMMENT ON COLUMN engagement_facts.seconds_to_accept IS 'From the request of the first leg to its acceptance; NULL if one of the two is not a finite time. Its average is the average speed of answer (ASA) of those that were answered.';
COMMENT ON COLUMN engagement_facts.handle_seconds IS 'Time operators spent in it: the sum of the legs'' durations, or the largest bigint if it is more. Its average is the average handle time (AHT), without work after the conversation, which the API does not tell.';
COMMENT ON COLUMN operator_daily.handle_seconds IS 'Time spent in legs that have ended, or the largest bigint if it is more, without work after the conversation; legs at the same time count each.';
