-- $1 site, $2 sync_runs.id, $3 stream
UPDATE sync_state SET failed_run_id = $2::bigint WHERE stream = $3 AND site_id = $1;
