-- Which failure of the backfill was the last? Held still until the commit. $1 backfill
SELECT failed_run_id FROM backfills WHERE id = $1::bigint FOR UPDATE;
