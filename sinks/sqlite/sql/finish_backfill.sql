UPDATE backfills SET finished_at = now() WHERE id = ?1 AND finished_at IS NULL;
