-- Runs (sync_runs). A repeated failure increments the counter of its first row. The site or the backfill stores the id
-- of that row.

-- name: add_failure(mode, site, backfill, pass_from, pass_to, pass_started_at, pages, engagements, rejected, requests,
--     error, epoch, stream)
-- `backfill`: NULL outside of a backfill. `epoch`: the lease's epoch.
INSERT INTO sync_runs (mode, site_id, backfill_id, window_from, window_to, started_at, pages, engagements, rejected,
                       requests, error, lease_epoch, stream)
VALUES (:mode, :site, :backfill::bigint, :pass_from::timestamptz, :pass_to::timestamptz, :pass_started_at::timestamptz,
        :pages::bigint, :engagements::bigint, :rejected::bigint, :requests::bigint, :error, :epoch::bigint, :stream)
RETURNING id;

-- name: repeat_failure(run, mode, site, error)
-- Counts a repetition of the last failure.
UPDATE sync_runs SET times = times + 1, finished_at = now()
WHERE id = :run::bigint AND mode = :mode AND site_id = :site AND error = :error;

-- name: site_failed_run(site, run, stream)
UPDATE sync_state SET failed_run_id = :run::bigint WHERE stream = :stream AND site_id = :site;

-- name: lock_backfill(backfill)
-- Returns the stream and the last failure of the backfill and locks its row until the commit.
SELECT stream, failed_run_id FROM backfills WHERE id = :backfill::bigint FOR UPDATE;

-- name: backfill_failed_run(backfill, run)
UPDATE backfills SET failed_run_id = :run::bigint WHERE id = :backfill::bigint;

-- name: prune(keep_seconds)
DELETE FROM sync_runs WHERE finished_at < now() - make_interval(secs => :keep_seconds::float8);
