-- A new call of the command tries windows again that failed too often for the last one. $1 backfill
UPDATE backfill_windows SET attempts = 0 WHERE backfill_id = $1::bigint AND NOT done AND attempts > 0;
