-- Queries for `status`, `runs`, the metrics and the status page.

-- name: status_sites
SELECT s.site_id, s.synced_through, (now() - s.synced_through) / 1e6, s.last_success_at, s.last_error, s.last_error_at,
       s.next_poll_at, CASE WHEN s.lease_expires_at > now() THEN s.lease_owner END,
       CASE WHEN s.lease_expires_at > now() THEN s.lease_expires_at END,
       (SELECT count(*) FROM rejected_records r
        WHERE r.site_id = s.site_id AND r.resolved_at IS NULL
          AND s.stream = CASE WHEN r.source IN ('list', 'detail') THEN 'engagements' ELSE r.source END),
       s.stream, s.refusal
FROM sync_state s ORDER BY s.site_id, s.stream;

-- name: status_queue
SELECT count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
       (SELECT count(*) FROM rejected_records WHERE resolved_at IS NULL)
FROM detail_queue;

-- name: status_undocumented_members
-- Undocumented members, the newest first. The last column: first seen within 7 days.
SELECT path, kind, first_seen_at, last_seen_at, times_seen, first_seen_at > now() - 604800000000
FROM undocumented_members ORDER BY first_seen_at DESC, path LIMIT 100;

-- name: status_clocks
SELECT machine, ahead_microseconds / 1e6 FROM server_clocks ORDER BY machine;

-- name: status_backfills
SELECT b.window_from, b.window_to, count(*) FILTER (WHERE w.done), count(w.site_id), coalesce(sum(w.engagements), 0),
       CASE WHEN b.seconds_left IS NOT NULL AND b.seconds_left_at > now() - 60000000
            THEN max(0, b.seconds_left - (now() - b.seconds_left_at) / 1e6) END
FROM backfills b LEFT JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.finished_at IS NULL GROUP BY b.id ORDER BY b.id;

-- name: history_runs(limit)
SELECT mode, site_id, started_at, finished_at, pages, engagements, rejected, error, stream, window_from, window_to,
       requests
FROM sync_runs ORDER BY id DESC LIMIT :limit;

-- name: history_hours(hours)
SELECT s.value, (now() - e.created_at) / 3600000000, count(*)
FROM engagements e, json_each(e.site_ids) s
WHERE e.created_at > now() - :hours * 3600000000 AND e.created_at <= now()
GROUP BY 1, 2;
