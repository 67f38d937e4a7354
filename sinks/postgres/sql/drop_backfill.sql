-- $1 backfill
WITH windows AS (DELETE FROM backfill_windows WHERE backfill_id = $1::bigint)
DELETE FROM backfills WHERE id = $1::bigint;
