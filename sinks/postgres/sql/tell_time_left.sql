-- $1 backfill, $2 seconds or NULL
UPDATE backfills SET seconds_left = $2::bigint, seconds_left_at = now() WHERE id = $1::bigint AND finished_at IS NULL;
