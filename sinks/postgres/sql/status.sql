-- Queries for `status`, `runs`, the metrics and the status page.

-- name: status_sites
SELECT s.stream, s.site_id,
       (extract(epoch FROM s.synced_through) * 1000000)::bigint AS synced_through,
       extract(epoch FROM now() - s.synced_through)::float8 AS lag,
       (extract(epoch FROM s.last_success_at) * 1000000)::bigint AS last_success_at,
       s.last_error,
       (extract(epoch FROM s.last_error_at) * 1000000)::bigint AS last_error_at,
       (extract(epoch FROM s.next_poll_at) * 1000000)::bigint AS next_poll_at,
       CASE WHEN s.lease_expires_at > now() THEN s.lease_owner END AS lease_owner,
       (extract(epoch FROM CASE WHEN s.lease_expires_at > now() THEN s.lease_expires_at END) * 1000000)::bigint
           AS lease_expires_at,
       coalesce(r.records, 0) AS rejected,
       s.refusal, n.name
FROM sync_state s
LEFT JOIN sites n ON n.id = s.site_id
LEFT JOIN (SELECT r.site_id, count(*) AS records,
                  CASE WHEN r.source IN ('list', 'detail') THEN 'engagements'
                       ELSE split_part(r.source, ' ', 1) END AS stream
           FROM rejected_records r
           WHERE r.resolved_at IS NULL
           GROUP BY 1, 3) r
       ON r.site_id = s.site_id AND r.stream = s.stream
ORDER BY s.site_id, s.stream;

-- name: status_queue
SELECT count(*) FILTER (WHERE NOT parked) AS waiting, count(*) FILTER (WHERE parked) AS parked,
       (SELECT count(*) FROM rejected_records WHERE resolved_at IS NULL) AS rejected
FROM work_items
WHERE kind = 'detail' AND waiting;

-- name: status_enrichers
SELECT coalesce(r.kind, w.kind) AS kind, coalesce(w.waiting, 0) AS waiting, coalesce(w.failing, 0) AS failing,
       (extract(epoch FROM r.last_success_at) * 1000000)::bigint AS last_success_at, r.last_error,
       (extract(epoch FROM r.last_error_at) * 1000000)::bigint AS last_error_at
FROM enrichers r
FULL JOIN (SELECT n.kind, count(*) AS waiting, count(*) FILTER (WHERE n.attempts > 0) AS failing
           FROM work_items n
           WHERE n.kind IN ('transcript', 'recording') AND n.waiting
           GROUP BY n.kind) w ON w.kind = r.kind
ORDER BY 1;

-- name: status_undocumented_members
-- Undocumented members, the newest first.
SELECT path, kind,
       (extract(epoch FROM first_seen_at) * 1000000)::bigint AS first_seen_at,
       (extract(epoch FROM last_seen_at) * 1000000)::bigint AS last_seen_at,
       times_seen,
       first_seen_at > now() - interval '7 days' AS is_new
FROM undocumented_members u
ORDER BY u.first_seen_at DESC, u.path
LIMIT 100;

-- name: status_installed
-- When the schema was created. Undocumented members first seen on the first day need not be new at the API.
SELECT (extract(epoch FROM min(applied_at)) * 1000000)::bigint AS installed_at FROM schema_version;

-- name: status_clocks
-- Skips machines that have saved nothing for a day: they may have been rebooted since.
SELECT machine, ahead_microseconds / 1e6::float8 AS ahead,
       (extract(epoch FROM updated_at) * 1000000)::bigint AS found_at
FROM server_clocks
WHERE updated_at > now() - interval '1 day'
ORDER BY machine;

-- name: status_backfills
-- Omits a time left that was saved more than a minute ago: no instance works on that backfill any more.
SELECT b.stream,
       (extract(epoch FROM b.window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM b.window_to) * 1000000)::bigint AS window_to,
       count(*) FILTER (WHERE w.done) AS done, count(w.site_id) AS total,
       coalesce(sum(w.engagements), 0)::bigint AS engagements,
       CASE WHEN b.seconds_left IS NOT NULL AND b.seconds_left_at > now() - interval '1 minute'
            THEN greatest(0, b.seconds_left - extract(epoch FROM now() - b.seconds_left_at))::float8 END AS seconds_left
FROM backfills b LEFT JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.finished_at IS NULL
GROUP BY b.id
ORDER BY b.id;

-- name: history_runs(limit)
SELECT mode, stream, site_id,
       (extract(epoch FROM started_at) * 1000000)::bigint AS started_at,
       (extract(epoch FROM finished_at) * 1000000)::bigint AS finished_at,
       (extract(epoch FROM window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM window_to) * 1000000)::bigint AS window_to,
       pages, engagements, rejected, requests, error, times
FROM sync_runs
ORDER BY sync_runs.finished_at DESC, sync_runs.id DESC
LIMIT :limit::bigint;

-- name: history_hours(hours, sites)
-- Counts engagements by site and hour. A created_at in the future counts as now. Uses the index on (first_site_id,
-- created_at).
-- `sites`: all sites that listed an engagement first.
SELECT s.site_id,
       greatest(0, floor((extract(epoch FROM now()) - extract(epoch FROM e.created_at)) / 3600))::int AS hours_ago,
       count(*) AS engagements
FROM engagements e
JOIN engagement_sites s ON s.engagement_id = e.id
WHERE e.first_site_id = ANY (:sites::text[]) AND e.created_at > now() - make_interval(hours => :hours::int)
GROUP BY 1, 2;
