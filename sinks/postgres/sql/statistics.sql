-- Interval statistics, and which intervals of each site and source were read.

-- name: statistics_progress(site)
-- The progress of a site's statistics, by source.
SELECT source,
       (extract(epoch FROM read_through) * 1000000)::bigint AS read_through,
       (extract(epoch FROM refused_at) * 1000000)::bigint AS refused_at
FROM statistics_state
WHERE site_id = :site;

-- name: statistics_readings(site, source, from)
-- The intervals of a site and source that will be read again, and the settled ones that begin at or after `from`,
-- which a backfill has read (`from` NULL: none of these). Two subqueries, because each uses an index.
SELECT (extract(epoch FROM interval_start) * 1000000)::bigint AS interval_start, interval_seconds,
       (extract(epoch FROM fetched_at) * 1000000)::bigint AS fetched_at
FROM statistics_readings
WHERE site_id = :site AND source = :source AND NOT settled
UNION ALL
SELECT (extract(epoch FROM interval_start) * 1000000)::bigint, interval_seconds,
       (extract(epoch FROM fetched_at) * 1000000)::bigint
FROM statistics_readings
WHERE site_id = :site AND source = :source AND interval_start >= :from::timestamptz AND settled;

-- name: statistics_length(site, source, interval_start)
-- The length of the interval that was read from then on.
SELECT interval_seconds
FROM statistics_readings
WHERE site_id = :site AND source = :source AND interval_start = :interval_start::timestamptz;

-- name: add_statistics_reading(site, source, interval_start, interval_seconds, fetched_at, settled)
-- Records that an interval has been read. Writes no row if a newer response is stored.
INSERT INTO statistics_readings AS r (site_id, source, interval_start, interval_seconds, fetched_at, settled)
VALUES (:site, :source, :interval_start::timestamptz, :interval_seconds::bigint, :fetched_at::timestamptz,
        :settled::boolean)
ON CONFLICT (site_id, source, interval_start) DO UPDATE
SET interval_seconds = excluded.interval_seconds, fetched_at = excluded.fetched_at, settled = excluded.settled
WHERE r.fetched_at <= excluded.fetched_at;

-- name: trim_statistics_readings(site, source, interval_start, interval_end)
-- Deletes readings that begin within a longer interval which has replaced them.
DELETE FROM statistics_readings
WHERE site_id = :site AND source = :source AND interval_start > :interval_start::timestamptz
  AND interval_start < :interval_end::timestamptz
RETURNING (extract(epoch FROM interval_start) * 1000000)::bigint AS interval_start;

-- name: statistics_read(site, source, read_through)
-- Records that the source was read and is not refused. `read_through`: NULL keeps the stored value.
INSERT INTO statistics_state AS s (site_id, source, read_through)
VALUES (:site, :source, :read_through::timestamptz)
ON CONFLICT (site_id, source) DO UPDATE
SET read_through = greatest(s.read_through, excluded.read_through), refused_at = NULL, refusal = NULL,
    refusal_warned_at = NULL
WHERE s.refused_at IS NOT NULL OR s.read_through IS DISTINCT FROM greatest(s.read_through, excluded.read_through);

-- name: statistics_refused(site, source, error, refused_at, warn_every_seconds)
-- Records that the API refuses a source. Returns `warn`: true if the last warning about the source, of any site, is at
-- least `warn_every_seconds` old.
INSERT INTO statistics_state AS s (site_id, source, refused_at, refusal, refusal_warned_at)
SELECT :site, :source, :refused_at::timestamptz, :error, CASE WHEN last.warn THEN now() END
FROM (SELECT coalesce(max(refusal_warned_at) <= now() - make_interval(secs => :warn_every_seconds::float8),
                      true) AS warn
      FROM statistics_state WHERE source = :source) last
ON CONFLICT (site_id, source) DO UPDATE
SET refused_at = excluded.refused_at, refusal = excluded.refusal,
    refusal_warned_at = coalesce(excluded.refusal_warned_at, s.refusal_warned_at)
RETURNING coalesce(refusal_warned_at = now(), false) AS warn;

-- name: clear_statistics_refusal(site)
-- Clears the refusal of the site's statistics, because at least one source is no longer refused.
UPDATE sync_state SET refusal = NULL, refusal_warned_at = NULL
WHERE stream = 'statistics' AND site_id = :site AND refusal IS NOT NULL;

-- name: merge_queue_wait_intervals(rows)
-- Writes rows of one site and interval that are new or differ. `rows`: a JSON array.
INSERT INTO queue_wait_intervals AS t (@queue_wait_intervals.columns@)
SELECT @queue_wait_intervals.columns@
FROM json_populate_recordset(NULL::queue_wait_intervals, :rows::json)
ON CONFLICT (interval_start, site_id, queue_id, outcome, from_transfer, media) DO UPDATE
SET @queue_wait_intervals.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_queue_wait_intervals(rows, site, interval_start, interval_end)
-- Deletes rows of a site that begin within an interval and are not among `rows`.
DELETE FROM queue_wait_intervals t
WHERE t.interval_start >= :interval_start::timestamptz AND t.interval_start < :interval_end::timestamptz
  AND t.site_id = :site
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::queue_wait_intervals, :rows::json) i
                  WHERE i.interval_start = t.interval_start AND i.queue_id = t.queue_id AND i.outcome = t.outcome
                    AND i.from_transfer = t.from_transfer AND i.media = t.media);

-- name: merge_handle_intervals(rows)
-- Writes rows of one site and interval that are new or differ. `rows`: a JSON array.
INSERT INTO handle_intervals AS t (@handle_intervals.columns@)
SELECT @handle_intervals.columns@
FROM json_populate_recordset(NULL::handle_intervals, :rows::json)
ON CONFLICT (interval_start, site_id, queue_id, operator_id, type, end_reason) DO UPDATE
SET @handle_intervals.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_handle_intervals(rows, site, interval_start, interval_end)
-- Deletes rows of a site that begin within an interval and are not among `rows`.
DELETE FROM handle_intervals t
WHERE t.interval_start >= :interval_start::timestamptz AND t.interval_start < :interval_end::timestamptz
  AND t.site_id = :site
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::handle_intervals, :rows::json) i
                  WHERE i.interval_start = t.interval_start AND i.queue_id = t.queue_id
                    AND i.operator_id = t.operator_id AND i.type = t.type AND i.end_reason = t.end_reason);

-- name: merge_wrap_up_intervals(rows)
-- Writes rows of one site and interval that are new or differ. `rows`: a JSON array.
INSERT INTO wrap_up_intervals AS t (@wrap_up_intervals.columns@)
SELECT @wrap_up_intervals.columns@
FROM json_populate_recordset(NULL::wrap_up_intervals, :rows::json)
ON CONFLICT (interval_start, site_id, queue_id, operator_id) DO UPDATE
SET @wrap_up_intervals.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_wrap_up_intervals(rows, site, interval_start, interval_end)
-- Deletes rows of a site that begin within an interval and are not among `rows`.
DELETE FROM wrap_up_intervals t
WHERE t.interval_start >= :interval_start::timestamptz AND t.interval_start < :interval_end::timestamptz
  AND t.site_id = :site
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::wrap_up_intervals, :rows::json) i
                  WHERE i.interval_start = t.interval_start AND i.queue_id = t.queue_id
                    AND i.operator_id = t.operator_id);

-- name: merge_operator_state_intervals(rows)
-- Writes rows of one site and interval that are new or differ. `rows`: a JSON array.
INSERT INTO operator_state_intervals AS t (@operator_state_intervals.columns@)
SELECT @operator_state_intervals.columns@
FROM json_populate_recordset(NULL::operator_state_intervals, :rows::json)
ON CONFLICT (interval_start, site_id, operator_id, state) DO UPDATE
SET @operator_state_intervals.set_excluded@
WHERE (t.*) IS DISTINCT FROM (excluded.*);

-- name: trim_operator_state_intervals(rows, site, interval_start, interval_end)
-- Deletes rows of a site that begin within an interval and are not among `rows`.
DELETE FROM operator_state_intervals t
WHERE t.interval_start >= :interval_start::timestamptz AND t.interval_start < :interval_end::timestamptz
  AND t.site_id = :site
  AND NOT EXISTS (SELECT FROM json_populate_recordset(NULL::operator_state_intervals, :rows::json) i
                  WHERE i.interval_start = t.interval_start AND i.operator_id = t.operator_id AND i.state = t.state);
