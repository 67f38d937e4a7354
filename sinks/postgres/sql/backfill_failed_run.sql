-- $1 backfill, $2 sync_runs.id
UPDATE backfills SET failed_run_id = $2::bigint WHERE id = $1::bigint;
