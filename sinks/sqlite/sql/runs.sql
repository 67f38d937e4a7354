-- Runs (sync_runs).

-- name: add_run(mode, site, pass_from, pass_to, pass_started_at, pages, engagements, rejected, requests, stream)
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests,
                       finished_at, stream)
VALUES (:mode, :site, :pass_from, :pass_to, :pass_started_at, :pages, :engagements, :rejected, :requests, now(),
        :stream);

-- name: add_failure(mode, site, pass_from, pass_to, pass_started_at, pages, engagements, rejected, requests, error,
--     stream)
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests,
                       finished_at, error, stream)
VALUES (:mode, :site, :pass_from, :pass_to, :pass_started_at, :pages, :engagements, :rejected, :requests, now(), :error,
        :stream);

-- name: repeat_failure(mode, site, error, stream)
-- Updates the row of the site's last run if it failed in the same way; otherwise writes no row.
UPDATE sync_runs SET finished_at = now()
WHERE id = (SELECT id FROM sync_runs WHERE site_id = :site AND stream = :stream ORDER BY id DESC LIMIT 1)
  AND mode = :mode AND error = :error;

-- name: prune(keep_microseconds)
DELETE FROM sync_runs WHERE finished_at < now() - :keep_microseconds;
