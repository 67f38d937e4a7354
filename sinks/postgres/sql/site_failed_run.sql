-- $1 site, $2 sync_runs.id
UPDATE sync_state SET failed_run_id = $2::bigint WHERE site_id = $1;
