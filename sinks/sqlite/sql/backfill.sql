-- Backfills and their windows. A window has a lease of its own. Times are in microseconds, and so are durations unless
-- their name has another unit.

-- name: matching_backfill(window_from, window_to, window_seconds, sites)
-- `window_to`: NULL if the end is open.
SELECT id, finished_at IS NOT NULL, window_from, window_to FROM backfills
WHERE window_from = :window_from AND window_seconds = :window_seconds AND sites = :sites
  AND CASE WHEN :window_to IS NULL THEN to_is_open ELSE NOT to_is_open AND window_to = :window_to END
ORDER BY id DESC LIMIT 1;

-- name: add_backfill(window_from, window_to, to_is_open, window_seconds, sites)
INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, started_at)
VALUES (:window_from, :window_to, :to_is_open, :window_seconds, :sites, now()) RETURNING id;

-- name: add_window(backfill, site, window_from, window_to)
INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to)
VALUES (:backfill, :site, :window_from, :window_to);

-- name: claim_windows(backfill, instance, ttl_microseconds, excluded_sites, max_attempts, limit)
UPDATE backfill_windows
SET lease_owner = :instance, lease_epoch = max(lease_epoch, 0) + 1, lease_expires_at = now() + :ttl_microseconds
WHERE (backfill_id, site_id, window_from) IN (
    SELECT backfill_id, site_id, window_from FROM backfill_windows
    WHERE backfill_id = :backfill AND NOT done AND attempts < :max_attempts
      AND site_id NOT IN (SELECT value FROM json_each(:excluded_sites))
      AND (lease_owner IS NULL OR lease_expires_at <= now())
    ORDER BY window_from, site_id LIMIT :limit)
RETURNING site_id, lease_epoch, attempts, window_from, window_to, pass_started_at, pass_next_page, pages, engagements;

-- name: renew_window(backfill, site, window_from, epoch, ttl_microseconds)
UPDATE backfill_windows SET lease_expires_at = now() + :ttl_microseconds
WHERE backfill_id = :backfill AND site_id = :site AND window_from = :window_from AND lease_epoch = :epoch
  AND lease_owner IS NOT NULL;

-- name: release_window(backfill, site, window_from, epoch, error)
UPDATE backfill_windows
SET lease_owner = NULL, lease_expires_at = NULL, attempts = attempts + (:error IS NOT NULL),
    last_error = coalesce(:error, last_error)
WHERE backfill_id = :backfill AND site_id = :site AND window_from = :window_from AND lease_epoch = :epoch
  AND lease_owner IS NOT NULL AND NOT done
RETURNING window_to, pass_started_at, pages, engagements, rejected, requests;

-- name: window_checkpoint(backfill, site, window_from, epoch, pass_started_at, pass_next_page, pages, engagements,
--     rejected, requests, done)
UPDATE backfill_windows
SET pass_started_at = :pass_started_at, pass_next_page = :pass_next_page, pages = :pages, engagements = :engagements,
    rejected = :rejected, requests = :requests, done = :done,
    lease_owner = CASE WHEN :done THEN NULL ELSE lease_owner END,
    lease_expires_at = CASE WHEN :done THEN NULL ELSE max(lease_expires_at, now() + 30000000) END
WHERE backfill_id = :backfill AND site_id = :site AND window_from = :window_from AND lease_epoch = :epoch
  AND (lease_owner IS NOT NULL OR done);

-- name: backfill_progress(backfill, max_attempts, excluded_sites)
-- A window counts as leased for a minute after its lease has expired.
SELECT count(*), count(*) FILTER (WHERE done),
       count(*) FILTER (WHERE NOT done AND lease_owner IS NOT NULL AND lease_expires_at > now() - 60000000),
       count(*) FILTER (WHERE NOT done AND attempts < :max_attempts AND (lease_owner IS NULL OR lease_expires_at <= now())
                        AND site_id NOT IN (SELECT value FROM json_each(:excluded_sites))),
       coalesce(sum(engagements), 0), coalesce(sum(pages), 0),
       (SELECT last_error FROM backfill_windows
        WHERE backfill_id = :backfill AND NOT done AND attempts > 0 ORDER BY window_from LIMIT 1)
FROM backfill_windows WHERE backfill_id = :backfill;

-- name: record_time_left(backfill, seconds_left)
UPDATE backfills SET seconds_left = :seconds_left, seconds_left_at = now() WHERE id = :backfill AND finished_at IS NULL;

-- name: finish_backfill(backfill)
UPDATE backfills SET finished_at = now() WHERE id = :backfill AND finished_at IS NULL;

-- name: add_backfill_run(backfill)
INSERT INTO sync_runs (mode, window_from, window_to, started_at, pages, engagements, rejected, requests, finished_at)
SELECT 'backfill', b.window_from, b.window_to, b.started_at, sum(w.pages), sum(w.engagements), sum(w.rejected),
       sum(w.requests), now()
FROM backfills b JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.id = :backfill GROUP BY b.id;

-- name: reopen_windows(backfill)
UPDATE backfill_windows SET attempts = 0 WHERE backfill_id = :backfill AND NOT done AND attempts > 0;

-- name: drop_backfill(backfill)
DELETE FROM backfills WHERE id = :backfill;

-- name: drop_windows(backfill)
DELETE FROM backfill_windows WHERE backfill_id = :backfill;
