-- Backfills and their windows. A window has a lease of its own, with an epoch as in leases.sql.

-- name: matching_backfill(window_from, window_to, window_seconds, sites, stream)
-- The newest backfill with the same arguments. `window_to`: NULL if the end is open.
SELECT id, finished_at IS NOT NULL AS finished,
       (extract(epoch FROM window_from) * 1000000)::bigint AS window_from,
       (extract(epoch FROM window_to) * 1000000)::bigint AS window_to
FROM backfills
WHERE window_from = :window_from::timestamptz AND window_seconds = :window_seconds::bigint AND sites = :sites::text[]
  AND stream = :stream
  AND CASE WHEN :window_to::timestamptz IS NULL THEN to_is_open ELSE NOT to_is_open AND window_to = :window_to END
ORDER BY id DESC
LIMIT 1;

-- name: add_backfill(window_from, window_to, to_is_open, window_seconds, sites, stream)
INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, stream)
VALUES (:window_from::timestamptz, :window_to::timestamptz, :to_is_open::boolean, :window_seconds::bigint,
        :sites::text[], :stream)
RETURNING id;

-- name: add_windows(backfill)
-- Cuts [window_from, window_to) of the backfill into windows, for each site.
INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to)
SELECT b.id, s.site_id, w.start, least(w.start + make_interval(secs => b.window_seconds), b.window_to)
FROM backfills b
CROSS JOIN unnest(b.sites) AS s (site_id)
CROSS JOIN generate_series(b.window_from, b.window_to - interval '1 microsecond',
                           make_interval(secs => b.window_seconds)) AS w (start)
WHERE b.id = :backfill::bigint;

-- name: claim_windows(backfill, instance, ttl_seconds, excluded_sites, limit)
-- Claims the oldest free windows: selects up to `limit` of each site, and claims the oldest of them all. ORDER BY
-- window_to gives the same order as window_from and uses the index backfill_windows_open, which leaves out windows that
-- are done; the primary key would read all of those. `attempts < 2` is the condition of that index: one call of the
-- command tries a window at most twice.
UPDATE backfill_windows w
SET lease_owner = :instance, lease_epoch = greatest(w.lease_epoch, 0) + 1,
    lease_expires_at = now() + make_interval(secs => :ttl_seconds::float8)
FROM (SELECT f.site_id, f.window_from
      FROM (SELECT unnest(b.sites) AS site_id FROM backfills b WHERE b.id = :backfill::bigint) s
      CROSS JOIN LATERAL (SELECT o.site_id, o.window_from
                          FROM backfill_windows o
                          WHERE o.backfill_id = :backfill::bigint AND o.site_id = s.site_id AND NOT o.done
                            AND o.attempts < 2 AND (o.lease_owner IS NULL OR o.lease_expires_at <= now())
                          ORDER BY o.window_to
                          LIMIT :limit::bigint
                          FOR UPDATE SKIP LOCKED) f
      WHERE s.site_id <> ALL (:excluded_sites::text[])
      ORDER BY f.window_from, f.site_id
      LIMIT :limit::bigint) AS c
WHERE w.backfill_id = :backfill::bigint AND w.site_id = c.site_id AND w.window_from = c.window_from
RETURNING w.site_id, w.lease_epoch, w.attempts,
          (extract(epoch FROM w.window_from) * 1000000)::bigint AS window_from,
          (extract(epoch FROM w.window_to) * 1000000)::bigint AS window_to,
          (extract(epoch FROM w.pass_started_at) * 1000000)::bigint AS pass_started_at,
          w.pass_next_page, w.pages, w.engagements,
          (SELECT max(version) FROM schema_version) AS schema_version;

-- name: renew_window(backfill, site, window_from, epoch, ttl_seconds)
UPDATE backfill_windows SET lease_expires_at = now() + make_interval(secs => :ttl_seconds::float8)
WHERE backfill_id = :backfill::bigint AND site_id = :site AND window_from = :window_from::timestamptz
  AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL;

-- name: release_window(backfill, site, window_from, epoch, error)
-- Releases the window. A repeated release finds no holder and changes nothing. `error`: NULL if the window did not
-- fail.
UPDATE backfill_windows
SET lease_owner = NULL,
    lease_expires_at = NULL,
    attempts = attempts + CASE WHEN :error::text IS NULL THEN 0 ELSE 1 END,
    last_error = coalesce(:error, last_error)
WHERE backfill_id = :backfill::bigint AND site_id = :site AND window_from = :window_from::timestamptz
  AND lease_epoch = :epoch::bigint AND lease_owner IS NOT NULL AND NOT done
RETURNING (extract(epoch FROM window_to) * 1000000)::bigint AS window_to,
          (extract(epoch FROM pass_started_at) * 1000000)::bigint AS started_at, pages, engagements, rejected, requests;

-- name: window_checkpoints(windows)
-- Moves the positions of windows, or completes the windows. Writes no row for a window whose lease has passed to
-- another instance.
-- `windows`: rows of backfill_windows as a JSON array, with the epochs that they were claimed with.
UPDATE backfill_windows w
SET pass_started_at = c.pass_started_at,
    pass_next_page = c.pass_next_page,
    pages = c.pages,
    engagements = c.engagements,
    rejected = c.rejected,
    requests = c.requests,
    done = c.done,
    finished_at = CASE WHEN c.done THEN now() END,
    lease_owner = CASE WHEN c.done THEN NULL ELSE w.lease_owner END,
    lease_expires_at = CASE WHEN c.done THEN NULL ELSE greatest(w.lease_expires_at, now() + interval '30 seconds') END
FROM json_populate_recordset(NULL::backfill_windows, :windows::json) c
WHERE w.backfill_id = c.backfill_id AND w.site_id = c.site_id AND w.window_from = c.window_from
  AND w.lease_epoch = c.lease_epoch AND (w.lease_owner IS NOT NULL OR w.done);

-- name: backfill_progress(backfill, excluded_sites)
-- A window counts as leased for a minute after its lease has expired: until then end_stuck_transactions may still end a
-- transaction that holds the row. After the minute it no longer counts: otherwise a process that does not claim the window,
-- because the API refuses the site, would wait for a dead process for ever. `free`: what claim_windows would claim.
SELECT count(*) AS total,
       count(*) FILTER (WHERE done) AS done,
       count(*) FILTER (WHERE NOT done AND lease_owner IS NOT NULL
                        AND lease_expires_at > now() - interval '1 minute') AS leased,
       count(*) FILTER (WHERE NOT done AND attempts < 2 AND (lease_owner IS NULL OR lease_expires_at <= now())
                        AND site_id <> ALL (:excluded_sites::text[])) AS free,
       coalesce(sum(engagements), 0)::bigint AS engagements,
       coalesce(sum(pages), 0)::bigint AS pages,
       (SELECT last_error FROM backfill_windows
        WHERE backfill_id = :backfill::bigint AND NOT done AND attempts > 0 ORDER BY window_from LIMIT 1) AS error
FROM backfill_windows
WHERE backfill_id = :backfill::bigint;

-- name: record_time_left(backfill, seconds_left)
-- `seconds_left`: NULL if unknown.
UPDATE backfills SET seconds_left = :seconds_left::bigint, seconds_left_at = now()
WHERE id = :backfill::bigint AND finished_at IS NULL;

-- name: finish_backfill(backfill)
-- Ends a backfill and records the sums of its windows as a run, once.
WITH closed AS (
    UPDATE backfills SET finished_at = now() WHERE id = :backfill::bigint AND finished_at IS NULL RETURNING *
)
INSERT INTO sync_runs (mode, stream, backfill_id, window_from, window_to, started_at, pages, engagements, rejected,
                       requests)
SELECT 'backfill', c.stream, c.id, c.window_from, c.window_to, c.started_at,
       sum(w.pages), sum(w.engagements), sum(w.rejected), sum(w.requests)
FROM closed c JOIN backfill_windows w ON w.backfill_id = c.id
GROUP BY c.stream, c.id, c.window_from, c.window_to, c.started_at;

-- name: reopen_windows(backfill)
-- A new call of the command resets the attempts of windows that failed too often in earlier calls.
UPDATE backfill_windows SET attempts = 0 WHERE backfill_id = :backfill::bigint AND NOT done AND attempts > 0;

-- name: drop_backfill(backfill)
WITH windows AS (DELETE FROM backfill_windows WHERE backfill_id = :backfill::bigint)
DELETE FROM backfills WHERE id = :backfill::bigint;
