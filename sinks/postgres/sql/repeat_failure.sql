-- The last failure came again. $1 sync_runs.id, $2 mode, $3 site, $4 error
UPDATE sync_runs SET times = times + 1, finished_at = now()
WHERE id = $1::bigint AND mode = $2 AND site_id = $3 AND error = $4;
