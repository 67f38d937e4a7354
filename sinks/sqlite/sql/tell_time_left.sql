UPDATE backfills SET seconds_left = ?2, seconds_left_at = now() WHERE id = ?1 AND finished_at IS NULL;
