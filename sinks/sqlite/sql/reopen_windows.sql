UPDATE backfill_windows SET attempts = 0 WHERE backfill_id = ?1 AND NOT done AND attempts > 0;
